"""Figures of a list of stored features: three points of it by hand, its distance maps, its errors as it grows.
Used in {ref}`ch-why-memory`."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.common import Series, with_bars
from gradbook.plots.grid1d import DASHES, SYMBOLS
from gradbook.plots.planes import NOW


def corner(stored: np.ndarray, points: Mapping[str, tuple[float, float]]) -> None:
    """Three stored points, the two legs between which normal features lie, their triangle, and named points."""
    _, axis = plt.subplots(figsize=(4.2, 3.4))
    axis.fill(*stored.T, color=OKABE_ITO[1], alpha=0.15, label="mixtures")
    axis.plot(*stored[[1, 0, 2]].T, color=OKABE_ITO[0], linewidth=5, alpha=0.5, label="normal")
    axis.plot(*stored.T, "o", color=OKABE_ITO[0], markersize=11, label="stored")
    for name, (x, y) in points.items():
        axis.plot(x, y, "x", color="black", markersize=9, markeredgewidth=2)
        axis.annotate(name, (x, y), xytext=(7, 5), textcoords="offset points")
    axis.set_aspect("equal")
    axis.margins(0.12)
    axis.legend(fontsize=9)


def memory_maps(maps: Mapping[int, Mapping[str, Tensor]], names: Sequence[str]) -> go.Figure:
    """Distance maps (n, H, W) of n named images, by number of stored patches M and by rule; a slider picks M.

    One row of maps a rule, one column an image, all on one colour scale.
    """
    rules = list(next(iter(maps.values())))
    titles = [f"{name}:<br>{rule}" for rule in rules for name in names]
    shape = (len(rules), len(names))
    figure = make_subplots(*shape, subplot_titles=titles, vertical_spacing=0.16, horizontal_spacing=0.06)
    top = max(float(d.max()) for by_rule in maps.values() for d in by_rule.values())
    frames = []
    for M, by_rule in maps.items():
        shown = [by_rule[rule][n] for rule in rules for n in range(len(names))]  # (H, W) each
        drawn = [go.Heatmap(z=_rounded(d), coloraxis="coloraxis") for d in shown]
        frames.append(go.Frame(name=str(M), data=drawn, traces=list(range(len(drawn)))))
    start = len(frames) // 2
    for number, trace in enumerate(frames[start].data):
        figure.add_trace(trace, row=1 + number // len(names), col=1 + number % len(names))
    figure.frames = frames
    figure.update_xaxes(showticklabels=False, ticks="", constrain="domain")
    figure.update_yaxes(showticklabels=False, ticks="", constrain="domain", autorange="reversed", constraintoward="top")
    for number in range(1, 1 + len(titles)):
        axis = "" if number == 1 else number
        figure.update_layout({f"yaxis{axis}": {"scaleanchor": f"x{axis}"}})
    # a horizontal colour bar leaves a telephone its width
    bar = {
        "title": {"text": "distance d", "side": "top"},
        "thickness": 12,
        "orientation": "h",
        "y": -0.01,
        "yanchor": "top",
    }
    steps = [{"label": frame.name, "method": "animate", "args": [[frame.name], NOW]} for frame in frames]
    figure.update_layout(
        height=660,
        margin={"t": 56, "b": 16, "l": 16},
        coloraxis={"colorscale": "Cividis", "cmin": 0, "cmax": top, "colorbar": bar},
        sliders=[{"active": start, "steps": steps, "currentvalue": {"prefix": "stored patches M "}, "pad": {"t": 72}}],
    )
    return figure


def growth(curves: Mapping[str, Mapping[int, Sequence[float]]], y_title: str) -> go.Figure:
    """Named values over M, several draws each, on logarithmic axes: lines through the means, bars of one deviation."""
    series = []
    for number, (name, by_entries) in enumerate(curves.items()):
        values = np.array(list(by_entries.values()))  # (sizes, draws)
        mean, deviation = values.mean(axis=1).tolist(), values.std(axis=1, ddof=1).tolist()
        dash, symbol, colour = DASHES[number % 2], SYMBOLS[number % 2], OKABE_ITO[number // 2]
        series.append(Series(name, list(by_entries), mean, deviation, dash=dash, symbol=symbol, color=colour))
    sizes = sorted({M for by_entries in curves.values() for M in by_entries})
    figure = with_bars(series, x_title="stored patches M", y_title=y_title, ticks=sizes)
    return figure.update_yaxes(type="log", tickvals=[2.0**power for power in range(-6, 7)])


def _rounded(d: Tensor) -> list[list[float]]:
    """Plain numbers to 2 decimals, so that a page stays small; d: (H, W)."""
    return [[round(value, 2) for value in row] for row in d.tolist()]
