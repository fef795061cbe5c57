"""The figures of the 1D chapter show what the library computes, and stay small."""

import math

import pytest
import torch

from gradlib.grids import interpolate
from gradlib.plots_grid1d import curves, lookup_slider

ENTRIES = (0.2, 0.9, 0.4, 0.7, 0.1)


def test_curves_leave_gaps_where_a_line_has_no_number() -> None:
    figure = curves(torch.arange(3.0), {"line": [1.0, math.nan, 2.0]}, {"points": ([0.5], [3.0])})
    line, points = figure.data
    assert line.y == (1.0, None, 2.0)
    assert (points.mode, points.x, points.y) == ("markers", (0.5,), (3.0,))


def test_curves_differ_by_more_than_colour() -> None:
    lines = curves([0.0, 1.0], {"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [1.0, 1.0]}).data
    assert len({line.line.dash for line in lines}) == 3


def test_each_position_of_the_slider_shows_the_lookup_and_its_two_weights() -> None:
    figure = lookup_slider(ENTRIES)
    G = torch.tensor(ENTRIES, dtype=torch.float64)[:, None]
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) == 81
    for frame in figure.frames:
        knots, output, _ = frame.data
        v = torch.tensor([[float(frame.name)]], dtype=torch.float64)
        assert output.x[1] == pytest.approx(v.item())
        assert output.y[1] == pytest.approx(interpolate(G, v).item(), abs=1e-5)
        assert knots.x[0] == math.floor(v.item())
        assert sum(float(weight) for weight in knots.text if weight) == pytest.approx(1, abs=0.011)


def test_slider_starts_where_its_figure_stands_and_stays_small() -> None:
    figure = lookup_slider(ENTRIES)
    slider = figure.layout.sliders[0]
    assert slider.steps[slider.active].label == figure.frames[slider.active].name == "2.25"
    assert figure.data[4].text == figure.frames[slider.active].data[2].text
    assert len(figure.to_json()) < 100_000
