"""Curves keep their values and can be distinguished."""

import math

import torch

from gradbook.plots.grid1d import curves


def test_curves_leave_gaps_where_a_line_has_no_number() -> None:
    figure = curves(torch.arange(3.0), {"line": [1.0, math.nan, 2.0]}, {"points": ([0.5], [3.0])})
    line, points = figure.data
    assert line.y == (1.0, None, 2.0)
    assert (points.mode, points.x, points.y) == ("markers", (0.5,), (3.0,))


def test_curves_differ_by_more_than_colour() -> None:
    lines = curves([0.0, 1.0], {"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [1.0, 1.0]}).data
    assert len({line.line.dash for line in lines}) == 3
