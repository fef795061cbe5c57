"""Curves over one coordinate."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.plots.common import DASHES, SYMBOLS, rounded


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    *,
    x_title: str = "v, in knots",
    y_title: str = "output",
) -> go.Figure:
    """Named lines over a shared x, which differ in dash and colour, and named points (x, y) on top.

    NaN in a line leaves a gap.
    """
    figure = go.Figure()
    for number, (name, y) in enumerate(lines.items()):
        dash = DASHES[number % len(DASHES)]
        figure.add_scatter(x=rounded(x, 5), y=rounded(y, 5), mode="lines", name=name, line_dash=dash)
    for number, (name, (at, y)) in enumerate((points or {}).items()):
        marker = {"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9}
        figure.add_scatter(x=rounded(at, 5), y=rounded(y, 5), mode="markers", name=name, marker=marker)
    figure.update_layout(xaxis_title=x_title, yaxis_title=y_title)
    return figure
