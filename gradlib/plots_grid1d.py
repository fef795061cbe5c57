"""Figures of a grid with one axis: curves over the coordinate, and a slider that reads a small table."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "x", "diamond-open", "triangle-up")
START = 0.5625  # where the slider stands at first, as a share of its way: 2.25 of 4 knots


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


def _gapped(values: Sequence[float]) -> list[float | None]:
    """Plain numbers to 5 decimals, so that a page stays small; NaN becomes None, which plotly leaves open."""
    numbers = [float(value) for value in values]
    return [None if math.isnan(number) else round(number, 5) for number in numbers]


def lookup_slider(G: Sequence[float], *, step: float = 0.05) -> go.Figure:
    """Eq. 1 at work on a table of numbers G: a slider moves v; the two knots, their weights and the sum follow.

    The positions are frames of the figure, so it answers without a kernel. Explained in {ref}`ch-grid-1d`.
    """
    knots, last = list(range(len(G))), len(G) - 1
    count = round(last / step)
    places = [round(number * step, 6) for number in range(count + 1)]
    start = round(START * count)
    figure = go.Figure()
    figure.add_scatter(x=knots, y=list(G), mode="lines", name="all outputs", line={"dash": "dot", "width": 1.5})
    figure.add_scatter(x=knots, y=list(G), mode="markers", name="entries", marker={"size": 9, "symbol": "diamond-open"})
    figure.add_traces(_state(G, places[start]))
    figure.frames = [go.Frame(name=f"{v:.2f}", data=_state(G, v), traces=[2, 3, 4]) for v in places]
    now = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"label": f"{v:.2f}", "method": "animate", "args": [[f"{v:.2f}"], now]} for v in places]
    top = max(G)
    figure.update_layout(
        xaxis={"title": "v, in knots", "range": [-0.35, last + 0.35], "dtick": 1},
        yaxis={"title": "output", "range": [-0.12 * top, 1.3 * top]},
        margin_b=64,  # room for the name of the axis above the slider
        sliders=[{"active": start, "steps": steps, "currentvalue": {"prefix": "v = "}, "pad": {"t": 48}}],
    )
    return figure


def _state(G: Sequence[float], v: float) -> list[go.Scatter]:
    """The three traces that move: both knots with their weights, the output, and the sum in words."""
    low = math.floor(v)
    high = min(low + 1, len(G) - 1)  # beyond the last knot the weight is 0
    t = v - low
    out = (1 - t) * G[low] + t * G[high]
    words = f"{1 - t:.2f} × {G[low]:g} + {t:.2f} × {G[high]:g} = {out:.3f}"
    knots = go.Scatter(
        x=[low, high],
        y=[G[low], G[high]],
        mode="markers+text",
        name="knots read, with weight",
        marker={"size": [10 + 16 * (1 - t), 10 + 16 * t], "opacity": 0.8},
        text=[f"{1 - t:.2f}", f"{t:.2f}" if high > low else ""],
        textposition="bottom center",
    )
    output = go.Scatter(
        x=[v, v],
        y=[0, round(out, 5)],
        mode="lines+markers",
        name="output at v",
        marker={"symbol": "x", "size": [0, 12]},
    )
    caption = go.Scatter(
        x=[(len(G) - 1) / 2], y=[1.2 * max(G)], mode="text", text=[words], showlegend=False, hoverinfo="skip"
    )
    return [knots, output, caption]
