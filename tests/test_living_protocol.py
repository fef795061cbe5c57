"""The switches of the evaluation without a browser: maps and scores are gradlib's to 1e-6."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import save
from gradbook.analysis.protocol_switches import (
    RELEASED_READING,
    SWITCHES,
    Reading,
    all_readings,
    anomaly_maps,
    best_epoch_gain,
    evaluate_readings,
    image_scores,
)
from gradbook.living.protocol import Protocol
from gradbook.study.bootstrap import image_replicates, interval
from gradbook.study.record import Scores
from gradlib.errors import InputError
from gradlib.metrics.curves import auroc
from gradlib.scores import anomaly_map, image_score
from javascript import call

EXACT = {"rtol": 1e-6, "atol": 1e-9}
SIZES = [(14, 14, 224), (5, 3, 48), (1, 4, 30), (28, 28, 24)]


def how(reading: Reading) -> dict[str, bool]:
    return {switch.key: getattr(reading, switch.key) for switch in SWITCHES}


@pytest.mark.parametrize(("H", "W", "size"), SIZES)
@pytest.mark.parametrize(("protocol", "reading"), [("paper", Reading()), ("released", RELEASED_READING)])
def test_both_protocols_are_combinations_of_the_switches(
    H: int, W: int, size: int, protocol: str, reading: Reading
) -> None:
    d = torch.rand(3, H, W, dtype=torch.float64)
    expected = anomaly_map(d, size, protocol)
    torch.testing.assert_close(anomaly_maps(d, size, reading), expected)
    torch.testing.assert_close(image_scores(d, size, reading), image_score(expected, protocol))


@pytest.mark.parametrize(("H", "W", "size"), SIZES)
def test_maps_and_scores_on_the_page_are_those_of_the_library(H: int, W: int, size: int) -> None:
    d = torch.rand(1, H, W, dtype=torch.float64)
    chosen = [Reading(*bits) for bits in product((False, True), repeat=4)]
    given = [[d.flatten().tolist(), H, W, size, how(reading)] for reading in chosen]
    for reading, shown in zip(chosen, call("protocol_maths", "readMap", given), strict=True):
        np.testing.assert_allclose(np.reshape(shown, (size, size)), anomaly_maps(d, size, reading)[0], **EXACT)
    scores = torch.cat([image_scores(d, size, reading) for reading in chosen])
    np.testing.assert_allclose(call("protocol_maths", "readScore", given), scores, **EXACT)


def test_combinations_are_numbered_alike() -> None:
    combinations = all_readings()
    assert len(set(combinations)) == len(combinations) == 2 ** len(SWITCHES)
    assert combinations[0] == Reading()
    on = [[getattr(reading, switch.key) for switch in SWITCHES] for reading in combinations]
    assert call("protocol_maths", "combination", [[row] for row in on]) == list(range(len(on)))


def run_of(folder: Path, *, sign: float = 1.0) -> tuple[Scores, list[Path]]:
    """Made-up maps of two classes, whose defective half is larger on the whole; sign -1: smaller."""
    label = np.arange(24) % 2
    d = np.random.default_rng(0).random((24, 4, 4), np.float32) + np.float32(0.2 * sign) * label[:, None, None] + 1
    names = np.array(["nut", "gear"] * 12)[np.argsort(label, kind="stable")]
    paths = [save(np.full((8, 8), 9 * i, np.uint8), folder / f"{i}.png") for i in range(24)]
    score = image_score(anomaly_map(torch.from_numpy(d), 28)).numpy()
    return Scores(np.array([p.name for p in paths]), names, names, label, score, d.astype(np.float32)), paths


def test_every_combination_is_measured_with_its_interval(tmp_path: Path) -> None:
    found, _ = run_of(tmp_path)
    measured = evaluate_readings(found, 28)
    assert measured.names == [*dict.fromkeys(found.category.tolist()), "mean"]
    for number in (0, 3, 12):
        reading, drawn = all_readings()[number], []
        score = image_scores(torch.from_numpy(found.d), 28, reading).numpy()
        for column, name in enumerate(measured.names[:-1]):
            here = found.category == name
            assert measured.value[number, column] == auroc(score[here], found.label[here]).value
            drawn.append(
                image_replicates(score[here], found.label[here])
                - image_replicates(found.score[here], found.label[here])
            )
        assert measured.value[number, -1] == pytest.approx(measured.value[number, :-1].mean())
        bounds = interval(np.mean(drawn, axis=0))
        assert (measured.low[number, -1], measured.high[number, -1]) == pytest.approx(bounds, abs=0.01)
    np.testing.assert_array_equal(measured.low[0], 0)
    peers = (found.category == found.category[5]) & (found.label == 0)
    expected = (found.score[peers] < found.score[5]).mean()
    assert measured.rank(5, found.category, found.label)[0] == expected


def test_the_flip_lifts_each_class_above_one_half(tmp_path: Path) -> None:
    measured = evaluate_readings(run_of(tmp_path, sign=-1.0)[0], 28)
    flipped = all_readings().index(Reading(flip=True))
    assert measured.value[0].max() < 0.5
    np.testing.assert_allclose(measured.value[flipped], 1 - measured.value[0])


def test_a_class_of_one_kind_is_refused(tmp_path: Path) -> None:
    found, _ = run_of(tmp_path)
    found.label[:] = 0
    with pytest.raises(InputError, match="no normal or no defective"):
        evaluate_readings(found, 28)


def test_the_best_epoch_is_never_worse() -> None:
    assert best_epoch_gain([0.5, 0.9, 0.8]) == pytest.approx(0.1)
    assert best_epoch_gain([0.5, 0.6]) == 0


def test_the_figure_carries_all_combinations(tmp_path: Path) -> None:
    found, paths = run_of(tmp_path)
    measured = evaluate_readings(found, 28)
    figure = Protocol(measured, found, paths, {"one": 3, "two": 4}, epochs=[[0.5, 0.9, 0.8]], size=28)
    assert [switch["key"] for switch in figure.switches] == [*[s.key for s in SWITCHES], "best_epoch"]
    assert figure.on == [False] * 6
    values = np.frombuffer(figure.values, "<f4").reshape(32, 3)
    np.testing.assert_allclose(values, measured.value, rtol=1e-6)
    ranks = np.frombuffer(figure.ranks, "<f4").reshape(32, 2)
    np.testing.assert_allclose(ranks[:, 1], measured.rank(4, found.category, found.label), rtol=1e-6)
    assert figure.epochs == [[0.8, 0.9]]
    assert len(figure.maps) == 2 * 16 * 4
    with pytest.raises(InputError, match="24 scores, 2 paths"):
        Protocol(measured, found, paths[:2], {"one": 0})
