"""The curves of the 1D chapter can be told apart."""

import math

import matplotlib as mpl
import torch

from gradbook.plots.grid1d import curves, grey_pictures


def test_curves_leave_gaps_where_a_line_has_no_number() -> None:
    figure = curves(torch.arange(3.0), {"line": [1.0, math.nan, 2.0]}, {"points": ([0.5], [3.0])})
    line, points = figure.data
    assert line.y == (1.0, None, 2.0)
    assert (points.mode, points.x, points.y) == ("markers", (0.5,), (3.0,))


def test_curves_differ_by_more_than_colour() -> None:
    lines = curves([0.0, 1.0], {"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [1.0, 1.0]}).data
    assert len({line.line.dash for line in lines}) == 3


def test_grey_pictures_share_one_scale_and_keep_their_names() -> None:
    mpl.use("Agg")
    figure = grey_pictures({"dark": torch.zeros(4, 4), "bright": torch.ones(4, 4)})
    assert [axis.get_title() for axis in figure.axes] == ["dark", "bright"]
    assert {axis.images[0].get_clim() for axis in figure.axes} == {(0.0, 1.0)}
