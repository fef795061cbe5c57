"""Figures of the reader's own photographs keep their values, and their alternative text states them."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from conftest import save
from gradbook.plots.own_photographs import false_alarm_bounds, false_alarm_histograms, scoring_window, verdicts
from gradlib.deploy.thresholds import false_alarm_bound


def test_window_is_where_the_mean_is_largest() -> None:
    anomaly_map = np.zeros((28, 28), np.float32)
    anomaly_map[10:14, 20:24] = 1
    assert scoring_window(anomaly_map) == (10, 20, 4)


def test_photographs_have_their_verdicts(tmp_path: Path) -> None:
    mpl.use("Agg")
    paths = [save(np.full((30, 30), 90, np.uint8), tmp_path / name / "a.png") for name in ("good", "rust")]
    maps = np.random.default_rng(0).random((2, 28, 28), np.float32)
    figure = verdicts(paths, maps, [1.0, 3.0], 2.0)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["good/a.png\n1.00: passes", "rust/a.png\n3.00: defective"]


def test_bounds_fall_with_the_number_of_photographs() -> None:
    figure = false_alarm_bounds([5, 10, 100], 0.95, 10)
    assert list(figure.data[0].y) == [false_alarm_bound(n) for n in (5, 10, 100)]
    assert list(figure.data[1].y) == [1 / 6, 1 / 11, 1 / 101]
    assert "10 held-out photographs" in figure.layout.meta["alt"]


def test_histograms_have_a_step_for_each_number_of_photographs() -> None:
    rates = {5: np.array([0.0, 0.1, 0.3, 0.6]), 10: np.array([0.05, 0.05, 0.1, 0.1])}
    figure = false_alarm_histograms(rates, {5: 0.45, 10: 0.26}, 0.05)
    assert [step.label for step in figure.layout.sliders[0].steps] == ["5", "10"]
    assert [trace.visible for trace in figure.data] == [True, False]
    assert [sum(trace.y) for trace in figure.data] == pytest.approx([1, 1])
    assert "5 photographs: mean 25.0%, at most 45.0% in 75%" in figure.layout.meta["alt"]
