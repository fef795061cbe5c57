"""A memory of stored features: an example in two dimensions, its distance maps, and its errors as it grows."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from plotly.subplots import make_subplots
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.common import DASHES, SYMBOLS, Series, add_frames, rounded, subplots, with_bars


def corner(stored: np.ndarray, points: Mapping[str, tuple[float, float]]) -> Figure:
    """Three stored points (3, 2), the corner first, the legs on which normal features lie, and other named points.

    The mixtures of the stored points fill their triangle.
    """
    figure, axes = subplots(1, 1, (4.2, 3.4))
    axis = axes[0, 0]
    axis.fill(*stored.T, color=OKABE_ITO[1], alpha=0.15, label="mixtures")
    axis.plot(*stored[[1, 0, 2]].T, color=OKABE_ITO[0], linewidth=5, alpha=0.5, label="normal")
    axis.plot(*stored.T, "o", color=OKABE_ITO[0], markersize=11, label="stored")
    for name, (x, y) in points.items():
        axis.plot(x, y, "x", color="black", markersize=9, markeredgewidth=2)
        axis.annotate(name, (x, y), xytext=(7, 5), textcoords="offset points")
    axis.set_aspect("equal")
    axis.margins(0.12)
    axis.legend(fontsize=9)
    return figure


def memory_maps(maps: Mapping[int, Mapping[str, Tensor]], names: Sequence[str]) -> go.Figure:
    """Distance maps (n, H, W) of n named images, by the number of stored patches M and by rule; a slider selects M.

    A row of maps for each rule, a column for each image, all on one colour scale.
    """
    rules = list(next(iter(maps.values())))
    titles = [f"{name}:<br>{rule}" for rule in rules for name in names]
    frames = []
    for M, by_rule in maps.items():
        panels = [by_rule[rule][n] for rule in rules for n in range(len(names))]  # (H, W) each
        heatmaps = [go.Heatmap(z=rounded(d, 2), coloraxis="coloraxis") for d in panels]
        frames.append(go.Frame(name=str(M), data=heatmaps, traces=list(range(len(heatmaps)))))
    spacing = {"vertical_spacing": 0.16, "horizontal_spacing": 0.06}
    figure = make_subplots(len(rules), len(names), subplot_titles=titles, **spacing)
    start = len(frames) // 2
    for number, trace in enumerate(frames[start].data):
        figure.add_trace(trace, row=1 + number // len(names), col=1 + number % len(names))
    figure.update_xaxes(showticklabels=False, ticks="", constrain="domain")
    figure.update_yaxes(showticklabels=False, ticks="", constrain="domain", autorange="reversed", constraintoward="top")
    for number in range(1, 1 + len(titles)):
        axis = "" if number == 1 else number
        figure.update_layout({f"yaxis{axis}": {"scaleanchor": f"x{axis}"}})
    top = max(float(d.max()) for by_rule in maps.values() for d in by_rule.values())
    figure.update_layout(height=660, margin={"t": 56, "b": 16, "l": 16}, coloraxis=_color_axis(top))
    add_frames(figure, frames, "stored patches M ", start=start, pad=72)
    return figure


def _color_axis(top: float) -> dict[str, object]:
    """Colours of distances from 0 to `top`; a horizontal bar takes no width, of which a telephone has little."""
    title = {"text": "distance d", "side": "top"}
    bar = {"title": title, "thickness": 12, "orientation": "h", "y": -0.01, "yanchor": "top"}
    return {"colorscale": "Cividis", "cmin": 0, "cmax": top, "colorbar": bar}


def growth(curves: Mapping[str, Mapping[int, Sequence[float]]], y_title: str) -> go.Figure:
    """Named values over the number of stored patches M: means over several draws, with bars of one standard deviation.

    curves: name -> M -> the value of each draw, at least two. Both axes are logarithmic.
    """
    series = []
    for number, (name, by_entries) in enumerate(curves.items()):
        values = np.array(list(by_entries.values()))  # (sizes, draws)
        mean, deviation = values.mean(axis=1).tolist(), values.std(axis=1, ddof=1).tolist()
        dash, symbol, colour = DASHES[number % 2], SYMBOLS[number % 2], OKABE_ITO[number // 2]
        series.append(Series(name, list(by_entries), mean, deviation, dash=dash, symbol=symbol, color=colour))
    sizes = sorted({M for by_entries in curves.values() for M in by_entries})
    figure = with_bars(series, x_title="stored patches M", y_title=y_title, ticks=sizes)
    return figure.update_yaxes(type="log", tickvals=[2.0**power for power in range(-6, 7)])
