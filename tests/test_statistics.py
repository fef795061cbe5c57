"""Statistics of records: which ones belong together, and means, replicates and differences over their seeds."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradbook.study.bootstrap import image_replicates
from gradbook.study.evidence import numbers
from gradbook.study.record import write_json
from gradbook.study.statistics import (
    compare,
    defect_auroc,
    mean_and_deviation,
    patch_error_ratio,
    read_group,
    replicates,
    same_images,
    scores_and_labels,
    values,
)
from recorded import record

LABELS = np.array([0] * 20 + [1] * 20)


def run(seed: int, shift: float, *, images: str = "same", pixel: str | None = None) -> dict:
    """A record whose anomalous scores are `shift` above the normal ones."""
    scores = np.random.default_rng(seed).normal(shift * LABELS)
    auroc = float(np.mean(scores[20:, None] > scores[:20]))
    evidence = {"scores": numbers(scores).split(), "labels": LABELS.tolist(), "pixel_replicates": pixel}
    return record(seed, auroc, None, images=images, **evidence)


def test_a_group_s_records_come_by_row_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path))
    for seed in (2, 0):
        write_json(tmp_path / f"grad-pair-unified-seed{seed}.json", run(seed, 1.0))
    write_json(tmp_path / "parts-full-seed0.json", run(0, 1.0))
    rows = read_group("grad-pair")
    assert [r["experiment"]["seed"] for r in rows["unified"]] == [0, 2]
    assert list(read_group("parts")) == ["full"]
    json.dumps(rows)


def test_mean_and_deviation_are_over_seeds() -> None:
    records = [run(seed, 1.0) for seed in range(3)]
    aurocs = [r["mean"]["image_auroc"] for r in records]
    assert values(records, "image_auroc", "bottle").tolist() == aurocs
    expected = np.mean(aurocs), np.std(aurocs, ddof=1)
    assert mean_and_deviation(records, "image_auroc") == pytest.approx(expected)
    assert np.isnan(mean_and_deviation(records[:1], "image_auroc")[1])
    assert np.isnan(mean_and_deviation(records, "pixel_auroc")[0])


def test_the_difference_of_a_method_to_itself_is_zero_and_to_a_worse_one_is_clear() -> None:
    good, bad = ([run(seed, shift) for seed in range(3)] for shift in (2.0, 0.2))
    same, gap = compare(good, good, "image_auroc"), compare(good, bad, "image_auroc")
    assert same is not None
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    assert gap is not None
    assert 0 < gap.low < gap.difference < gap.high
    means = [mean_and_deviation(runs, "image_auroc")[0] for runs in (good, bad)]
    assert gap.difference == pytest.approx(100 * (means[0] - means[1]))
    assert gap.verdict("ahead", "behind") == "ahead"


def test_replicates_are_means_over_seeds() -> None:
    records = [run(seed, 1.0) for seed in range(2)]
    single = [image_replicates(*scores_and_labels(r, "bottle")) for r in records]
    np.testing.assert_allclose(replicates(records, "image_auroc"), np.mean(single, axis=0))
    with_pixels = [run(0, 1.0, pixel="0.5 0.75")]
    np.testing.assert_allclose(replicates(with_pixels, "pixel_auroc"), [0.5, 0.75])
    with_pixels[0]["evidence"]["bottle"]["labels"] = "1" * len(LABELS)
    assert replicates(with_pixels, "image_auroc") is None


def test_no_difference_is_given_without_runs_or_masks_or_over_other_images() -> None:
    assert compare([run(0, 1.0)], [], "image_auroc") is None
    assert compare([run(0, 1.0)], [run(0, 1.0, images="other")], "image_auroc") is None
    assert compare([run(0, 1.0)], [run(1, 1.0)], "pixel_auroc") is None


def test_each_defect_type_is_compared_with_the_normal_images() -> None:
    one = record(scores=[1, 2, 3, 1.5], labels=[0, 0, 1, 1])
    one["evidence"]["bottle"]["defects"] = [["good", 2], ["bent", 1], ["cut", 1]]
    aurocs = defect_auroc([one, one], "bottle")
    np.testing.assert_allclose(aurocs["bent"], [1, 1])
    np.testing.assert_allclose(aurocs["cut"], [0.5, 0.5])
    one["evidence"]["bottle"]["labels"] = "1111"
    assert np.isnan(defect_auroc([one], "bottle")["cut"]).all()


def test_patch_errors_are_compared_run_by_run() -> None:
    np.testing.assert_allclose(patch_error_ratio([record(0), record(1)]), [2, 2])
    assert same_images([record(0), record(1)])
    assert not same_images([record(0), record(1, images="other")])
