"""Figures of scores: the numbers of a row, and medians of the splits."""

import numpy as np
import torch

from gradbook.plots.scores import false_alarm_rates, map_profile


def test_a_profile_puts_d_at_the_ends_and_marks_the_window() -> None:
    d, line = torch.tensor([1.0, 3.0, 2.0]), torch.linspace(0, 4, 9)
    figure = map_profile(d, {"one": line, "two": line / 2}, start=2, window=3)
    dots, one, two = figure.data
    assert (list(dots.x), list(dots.y)) == ([0, 4, 8], [1, 3, 2])
    assert list(one.y) == line.tolist()
    assert one.line.dash != two.line.dash
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (2, 4)
    assert "column 2 to 4" in figure.layout.meta["alt"]


def test_false_alarm_rates_are_medians_with_a_band() -> None:
    rates = np.stack([np.linspace(0, 0.1, 201), np.linspace(0.1, 0.3, 201)])  # (n, splits)
    figure = false_alarm_rates([0.05, 0.1], {"held out": rates})
    band, line, diagonal = figure.data
    np.testing.assert_allclose(line.y, [5, 20])
    np.testing.assert_allclose(band.y, [9.75, 29.5, 10.5, 0.25], atol=0.01)
    assert list(diagonal.x) == list(diagonal.y)
    assert "20.0 % where 10 % are promised" in figure.layout.meta["alt"]
