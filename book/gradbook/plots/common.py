"""What figures share: symbols and dashes, points with error bars, images, colour bars, sliders and buttons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike
from PIL import Image
from torch import Tensor

# lines and points that are distinguishable without colour
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "x", "square", "triangle-up", "diamond")
_AT_ONCE = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}


def rounded(values: ArrayLike | Tensor, digits: int = 3) -> list:
    """Numbers of any shape as lists of Python floats, rounded to keep pages small.

    NaN becomes None, which plotly draws as a gap.
    """
    plain = values.detach().cpu() if isinstance(values, Tensor) else values
    array = np.asarray(plain, dtype=float).round(digits)
    return np.where(np.isnan(array), None, array).tolist()  # type: ignore[call-overload]


@dataclass(frozen=True)
class Series:
    """Named points (x, y) with error bars that extend `above` and `below` them (None: the same as above)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    above: Sequence[float]
    below: Sequence[float] | None = None
    dash: str = "solid"
    symbol: str | Sequence[str] = "circle"  # one for all points, or one for each
    color: str | None = None  # None: the theme's next colour


def with_bars(series: Sequence[Series], *, x_title: str, y_title: str, ticks: Sequence[float]) -> go.Figure:
    """Lines through points with error bars, over a logarithmic x axis with the given ticks."""
    figure = go.Figure()
    for one in series:
        bars = {"array": rounded(one.above, 6)}
        if one.below is not None:
            bars["arrayminus"] = rounded(one.below, 6)
        figure.add_scatter(
            x=rounded(one.x, 6),
            y=rounded(one.y, 6),
            error_y=bars,
            name=one.name,
            mode="lines+markers",
            line={"dash": one.dash, "color": one.color},
            marker={"symbol": one.symbol if isinstance(one.symbol, str) else list(one.symbol), "size": 9},
        )
    figure.update_xaxes(type="log", tickvals=list(ticks), title=x_title)
    figure.update_yaxes(title=y_title)
    return figure


def slider(steps: Sequence[Mapping[str, object]], prefix: str, *, start: int = 0, pad: int = 48) -> dict[str, object]:
    """A plotly slider over `steps`; `prefix` precedes the current label, `pad` is the space above it in pixels."""
    return {"active": start, "steps": list(steps), "currentvalue": {"prefix": prefix}, "pad": {"t": pad}}


def add_frames(figure: go.Figure, frames: Sequence[go.Frame], prefix: str, *, start: int = 0, pad: int = 56) -> None:
    """Give a figure frames, and a slider that shows one of them at a time, without a transition."""
    figure.frames = frames
    steps = [{"label": frame.name, "method": "animate", "args": [[frame.name], _AT_ONCE]} for frame in frames]
    figure.update_layout(sliders=[slider(steps, prefix, start=start, pad=pad)])


def add_buttons(figure: go.Figure, buttons: Sequence[Mapping[str, object]], **place: object) -> None:
    """Give a figure a row of buttons; `place` holds plotly's x, y and anchors of an update menu."""
    figure.update_layout(updatemenus=[{"type": "buttons", "direction": "right", "buttons": list(buttons), **place}])


def subplots(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, np.ndarray]:
    """A matplotlib figure of a size in inches, and its axes (rows, columns).

    pyplot forgets the figure at once, so a notebook shows it like a plotly figure: as the last expression of a cell.
    """
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    plt.close(figure)
    return figure, axes


def image_grid(
    images: Mapping[str, Image.Image | Tensor], *, columns: int | None = None, limits: tuple[float, float] | None = None
) -> Figure:
    """Named images in rows of `columns`, by default in one row.

    Grey images (height, width) are shown from limits[0], black, to limits[1], white; by default each over its range.
    """
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    side = 1.9 if columns < 4 else 1.4  # inches
    low, high = limits or (None, None)
    figure, axes = subplots(rows, columns, (side * columns, (side + 0.3) * rows))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, image) in zip(axes.flat, images.items(), strict=False):
        axis.imshow(np.asarray(image), cmap="gray", vmin=low, vmax=high)
        axis.set_title(name, fontsize=11)
    return figure


def remove_ticks(axes: np.ndarray) -> None:
    """Remove the ticks of all axes; unlike `set_axis_off` this leaves their labels."""
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])


def add_d_colorbar(figure: Figure, image: AxesImage, axes: np.ndarray) -> Colorbar:
    """Add a colour bar of d beside the axes, its letter upright: a rotated d looks like another letter."""
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label("d", rotation=0, labelpad=9)
    return bar
