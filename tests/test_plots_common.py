"""What figures share: rounding, points with error bars, and images that a notebook shows once."""

import math

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

mpl.use("Agg")
from matplotlib import pyplot as plt

from gradbook.plots.common import Series, image_grid, rounded, with_bars


def test_numbers_of_any_shape_are_rounded_and_nan_is_a_gap() -> None:
    assert rounded([1 / 3, math.nan]) == [0.333, None]
    assert rounded(torch.tensor([[1.006, 2.0]], requires_grad=True), 2) == [[1.01, 2.0]]
    assert rounded(range(2)) == [0.0, 1.0]
    assert rounded([]) == []
    assert type(rounded(np.float32([0.1]))[0]) is float


def test_bars_reach_as_far_as_given() -> None:
    even, uneven = Series("a", [1, 10], [2, 3], [0.5, 0.25]), Series("b", [1, 10], [4, 5], [1, 2], [0, 1], dash="dot")
    figure = with_bars([even, uneven], x_title="size", y_title="error", ticks=(1, 10))
    first, second = figure.data
    assert (first.x, first.y, first.error_y.array, first.error_y.arrayminus) == ((1, 10), (2, 3), (0.5, 0.25), None)
    assert (second.error_y.array, second.error_y.arrayminus) == ((1, 2), (0, 1))
    assert (first.line.dash, second.line.dash) == ("solid", "dot")
    assert (figure.layout.xaxis.type, figure.layout.xaxis.tickvals) == ("log", (1, 10))


def test_each_point_may_have_its_own_symbol() -> None:
    (one,) = with_bars(
        [Series("a", [1, 2], [1, 2], [0, 0], symbol=("circle", "x"))], x_title="", y_title="", ticks=()
    ).data
    assert one.marker.symbol == ("circle", "x")


def test_images_have_their_names_and_fill_rows() -> None:
    grey = {name: Image.new("L", (20, 20), level) for name, level in zip("abc", (0, 40, 80), strict=True)}
    figure = image_grid(grey, columns=2, limits=(0, 255))
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", ""]
    assert {axis.images[0].get_clim() for axis in figure.axes[:3]} == {(0, 255)}
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), np.full((20, 20), 40))


@pytest.mark.parametrize("count", [1, 2])
def test_images_stand_in_one_row_each_over_its_own_range(count: int) -> None:
    images = {f"image {n}": torch.rand(4, 4) / (n + 1) for n in range(count)}
    figure = image_grid(images)
    assert {axis.get_title(): axis.images[0].get_clim() for axis in figure.axes} == {
        name: (float(image.min()), float(image.max())) for name, image in images.items()
    }
    assert figure.axes[0].get_subplotspec().get_gridspec().nrows == 1


def test_a_notebook_has_nothing_left_to_show_after_the_cell() -> None:
    before = plt.get_fignums()
    image_grid({"one": torch.rand(4, 4)})
    assert plt.get_fignums() == before
