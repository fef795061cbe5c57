"""Strokes on images: which pixels, how dark, and never twice."""

import numpy as np
import pytest

from gradbook.analysis.brush import Stroke, paint
from gradlib.errors import InputError


def test_line_covers_the_pixels_near_it() -> None:
    grey = np.full((10, 20), 100, np.uint8)
    painted = paint(grey, [Stroke([(0.0, 0.55), (1.0, 0.55)], width=0.22, shade=-1)])
    assert (painted[5] == 0).all()  # the row's middle lies at 0.55
    assert sorted(set(np.nonzero(painted == 0)[0])) == [4, 5, 6]  # middles at 0.45 to 0.65
    assert (grey == 100).all(), "the image itself was painted on"


@pytest.mark.parametrize(("shade", "value"), [(-1, 0), (-0.4, 60), (0, 100), (0.5, 178), (1, 255)])
def test_shade_moves_pixels_towards_black_or_white(shade: float, value: int) -> None:
    colour = np.full((8, 8, 3), 100, np.uint8)
    crossing = Stroke([(0.1, 0.1), (0.9, 0.9), (0.1, 0.9), (0.9, 0.1)], width=0.1, shade=shade)
    assert set(paint(colour, [crossing])[3, 3]) == {value}
    assert set(np.unique(paint(colour, [crossing]))) == {100, value}, "a stroke that crosses itself shades once"


def test_thin_line_is_a_pixel_wide() -> None:
    painted = paint(np.full((50, 50), 100, np.uint8), [Stroke([(0.0, 0.51), (1.0, 0.51)], width=1e-6, shade=-1)])
    assert (painted == 0).sum() == 50


@pytest.mark.parametrize(("points", "width", "shade"), [([], 0.1, 0), ([(0, 0)], 0, 0), ([(0, 0)], 0.1, -1.5)])
def test_impossible_strokes_are_refused(points: list, width: float, shade: float) -> None:
    with pytest.raises(InputError, match="cannot be painted"):
        Stroke(points, width, shade)
