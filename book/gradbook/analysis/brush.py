"""Brush strokes on an image, by the same rule as in the page (js/detector_maths.js) and with identical pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradlib.errors import InputError

WHITE = 255  # of an 8-bit image


@dataclass(frozen=True)
class Stroke:
    """A line through points (x, y) of the unit square, x to the right and y down, for an image of any shape.

    Raises InputError without points, for a width of 0 or less, and for a shade outside [-1, 1].
    """

    points: Sequence[tuple[float, float]]
    width: float  # as a share of the image's side
    shade: float  # -1 black, 0 no change, 1 white

    def __post_init__(self) -> None:
        if not self.points or self.width <= 0 or not -1 <= self.shade <= 1:
            raise InputError(
                f"A stroke of {len(self.points)} points, width {self.width} and shade {self.shade} cannot be painted: "
                "give at least one point, a width above 0 and a shade from -1 to 1."
            )


def paint(pixels: np.ndarray, strokes: Sequence[Stroke]) -> np.ndarray:
    """Paint strokes on a copy of an image (height, width) or (height, width, 3), uint8.

    A pixel p whose centre is at most half the width away from the line becomes (1 - |shade|) p + |shade| (0 or 255).
    A line is at least one pixel wide, and a stroke that crosses itself shades a pixel once.
    """
    painted = pixels.copy()
    height, width = pixels.shape[:2]
    x = (np.arange(width) + 0.5)[None, :] / width  # (1, width)
    y = (np.arange(height) + 0.5)[:, None] / height  # (height, 1)
    for stroke in strokes:
        radius = max(stroke.width / 2, 0.5 / min(width, height))
        ends = [*stroke.points[1:], stroke.points[-1]]  # a single point is a line to itself
        touched = np.zeros((height, width), bool)
        for (ax, ay), (bx, by) in zip(stroke.points, ends, strict=True):
            dx, dy = bx - ax, by - ay
            t = np.clip(((x - ax) * dx + (y - ay) * dy) / ((dx * dx + dy * dy) or 1.0), 0, 1)  # (height, width)
            touched |= (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2 <= radius * radius
        amount, target = abs(stroke.shade), WHITE if stroke.shade > 0 else 0
        painted[touched] = np.floor((1 - amount) * painted[touched] + amount * target + 0.5)
    return painted
