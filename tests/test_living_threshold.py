"""The threshold figure without a browser: counts and bins are Python's, and any finished run can be shown."""

from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import save
from gradbook.living.threshold import Threshold, telling_rows
from gradbook.study.record import Scores
from gradlib.deploy.thresholds import confusion
from gradlib.errors import InputError
from gradlib.scores import anomaly_map, image_score
from javascript import call


def run_of(folder: Path, categories: list[str], labels: list[int], **changes: np.ndarray) -> tuple[Scores, list[Path]]:
    """Made-up scores of a few images, computed from their maps."""
    n = len(labels)
    paths = [save(np.full((8, 8), 9 * i, np.uint8), folder / f"{i}.png") for i in range(n)]
    d = np.random.default_rng(0).random((n, 4, 4), np.float32)
    score = image_score(anomaly_map(torch.from_numpy(d), 28)).numpy()
    rows = {"image": np.array([p.name for p in paths]), "category": np.array(categories), "label": np.array(labels)}
    return Scores(**{**rows, "defect": np.array(["good"] * n), "score": score, "d": d, **changes}), paths


def test_counts_are_those_of_the_library() -> None:
    score, label = np.random.default_rng(0).random(200).round(2), np.arange(200) % 3 // 2
    limits = [0.0, 0.25, float(score[7]), 1.5]
    counted = call("threshold_maths", "confusion", [[score.tolist(), label.tolist(), limit] for limit in limits])
    for limit, counts in zip(limits, counted, strict=True):
        assert list(counts.values()) == list(confusion(score, label, limit).values())


def test_rates_are_undefined_where_nothing_can_be_divided() -> None:
    counts = {"found": 3, "missed": 1, "alarms": 1, "passed": 4}
    (full,) = call("threshold_maths", "rates", [[counts]])
    assert full == {"recall": 0.75, "alarmRate": 0.2, "precision": 0.75}
    (empty,) = call("threshold_maths", "rates", [[{**counts, "found": 0, "missed": 0, "alarms": 0}]])
    assert empty == {"recall": None, "alarmRate": 0, "precision": None}  # JSON has no NaN


def test_bins_are_numpy_s() -> None:
    values = np.random.default_rng(1).normal(size=300)
    (counts,) = call("threshold_maths", "histogram", [[values.tolist(), -4.0, 4.0, 40]])
    np.testing.assert_array_equal(counts, np.histogram(values, 40, (-4.0, 4.0))[0])


def test_telling_rows_are_the_ends_and_the_middle_of_each_label() -> None:
    score, label = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    reasons = telling_rows(score, label, 5.9)
    assert list(reasons) == [7, 5, 4, 3, 2]
    assert reasons[5] == "defective, nearest to the start"
    assert reasons[3] == "normal, highest score"  # and nearest to the start: listed once


def test_categories_can_be_shown_together_or_apart(tmp_path: Path) -> None:
    scores, paths = run_of(tmp_path, ["nut"] * 6 + ["gear"] * 6, [0, 0, 0, 1, 1, 1] * 2)
    shown = Threshold(scores, paths, size=28)
    assert (shown.names, shown.category, shown.from_maps) == (["nut", "gear"], -1, True)
    assert {one["category"] for one in shown.examples} == {-1, 0, 1}
    assert shown.threshold == pytest.approx(np.quantile(scores.score[scores.label == 0], 0.9))
    tiles = 1 + max(one["tile"] for one in shown.examples)
    assert len(shown.maps) == tiles * 16 * 4
    assert all(one["name"] == f"{one['row']}.png" for one in shown.examples)


def test_a_run_without_defects_can_be_shown(tmp_path: Path) -> None:
    scores, paths = run_of(tmp_path, ["nut"] * 3, [0, 0, 0], score=np.array([0.1, 5.0, 9.0], np.float32))
    shown = Threshold(scores, paths, size=28)
    assert (shown.category, shown.from_maps) == (0, False)  # one category; scores that the maps do not explain
    assert len(shown.examples) == 2
    assert "0 defective" in shown.alt


def test_scores_and_images_must_be_as_many(tmp_path: Path) -> None:
    scores, paths = run_of(tmp_path, ["nut"] * 3, [0, 0, 1])
    with pytest.raises(InputError, match="3 scores and 2 paths"):
        Threshold(scores, paths[:2])


def test_the_threshold_can_begin_anywhere(tmp_path: Path) -> None:
    scores, paths = run_of(tmp_path, ["nut"] * 4, [0, 0, 1, 1])
    assert Threshold(scores, paths, size=28, start=0.75).threshold == 0.75
