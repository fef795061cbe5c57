"""Figures of values with bars for their spread: several named series over one x."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True)
class Series:
    """Points (x, y) of one name, each with a bar that reaches `above` it and `below` it (None: as far as above)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    above: Sequence[float]
    below: Sequence[float] | None = None
    dash: str = "solid"
    symbol: str | Sequence[str] = "circle"  # one for all points, or one for each
    color: str | None = None  # None: the theme's next


def with_bars(series: Sequence[Series], *, x_title: str, y_title: str, ticks: Sequence[float]) -> go.Figure:
    """Lines through points with bars, over a logarithmic x that is marked at `ticks`. Used in {ref}`ch-grid-1d`."""
    figure = go.Figure()
    for one in series:
        bars = {"array": _numbers(one.above)}
        if one.below is not None:
            bars["arrayminus"] = _numbers(one.below)
        figure.add_scatter(
            x=_numbers(one.x),
            y=_numbers(one.y),
            error_y=bars,
            name=one.name,
            mode="lines+markers",
            line={"dash": one.dash, "color": one.color},
            marker={"symbol": one.symbol if isinstance(one.symbol, str) else list(one.symbol), "size": 9},
        )
    figure.update_xaxes(type="log", tickvals=list(ticks), title=x_title)
    figure.update_yaxes(title=y_title)
    return figure


def _numbers(values: Sequence[float]) -> list[float]:
    """Plain numbers to 6 decimals, so that a page stays small."""
    return [round(float(value), 6) for value in values]
