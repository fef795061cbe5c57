"""Figures of a grid with one axis: curves over the coordinate, and photographs read by it."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import plotly.graph_objects as go
from matplotlib.figure import Figure
from torch import Tensor

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "x", "diamond-open", "triangle-up")


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    *,
    x_title: str = "v, in knots",
    y_title: str = "output",
) -> go.Figure:
    """Lines over a shared x, told apart by dash as well as colour, and named sets of points (x, y) on top.

    A NaN in a line is a gap in it. Used in {ref}`ch-grid-1d`.
    """
    figure = go.Figure()
    across = [float(value) for value in x]
    for number, (name, y) in enumerate(lines.items()):
        dash = DASHES[number % len(DASHES)]
        figure.add_scatter(x=across, y=_gapped(y), mode="lines", name=name, line_dash=dash)
    for number, (name, (at, y)) in enumerate((points or {}).items()):
        marker = {"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9}
        figure.add_scatter(x=[float(value) for value in at], y=_gapped(y), mode="markers", name=name, marker=marker)
    figure.update_layout(xaxis_title=x_title, yaxis_title=y_title)
    return figure


def grey_pictures(pictures: Mapping[str, Tensor]) -> Figure:
    """Named pictures (S, S) in a row, from 0 (black) to 1 (white) in all of them. Used in {ref}`ch-grid-1d`."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(2.4 * len(pictures), 2.7), squeeze=False)
    for axis, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(name)
        axis.set_axis_off()
    return figure


def _gapped(values: Sequence[float]) -> list[float | None]:
    """Plain numbers to 5 decimals, so that a page stays small; NaN becomes None, which plotly leaves open."""
    numbers = [float(value) for value in values]
    return [None if math.isnan(number) else round(number, 5) for number in numbers]
