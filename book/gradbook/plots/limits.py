"""Figures of limits: methods over the number of images, scores in rows, and one photograph that changes."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.common import Series, with_bars
from gradbook.plots.grid1d import DASHES
from gradbook.plots.planes import NOW

SYMBOLS = ("circle", "diamond", "square", "x")
SHOWN = 112  # pixels of a photograph in a figure


def by_number(series: Mapping[str, Mapping[str, Mapping[int, tuple[float, float]]]], x_title: str) -> go.Figure:
    """Mean and deviation, in percent, of each method over a number; a button for each metric.

    series: metric -> method -> number -> (mean, deviation).
    """
    drawn: list[Series] = []
    shown: list[str] = []
    for metric, methods in series.items():
        for number, (method, points) in enumerate(methods.items()):
            mean, deviation = zip(*points.values(), strict=True)
            dash, symbol, colour = DASHES[number], SYMBOLS[number], OKABE_ITO[number]
            drawn.append(Series(method, list(points), mean, deviation, dash=dash, symbol=symbol, color=colour))
            shown.append(metric)
    buttons = []
    for metric in series:
        seen = {"visible": [metric == other for other in shown]}
        buttons.append({"label": metric, "method": "update", "args": [seen, {"yaxis.title.text": f"{metric}, %"}]})
    numbers = sorted({x for methods in series.values() for points in methods.values() for x in points})
    first = next(iter(series))
    figure = with_bars(drawn, x_title=x_title, y_title=f"{first}, %", ticks=numbers)
    for trace, metric in zip(figure.data, shown, strict=True):
        trace.visible = metric == first
    figure.update_layout(updatemenus=[{"type": "buttons", "direction": "right", "buttons": buttons, "y": 1.3, "x": 1}])
    return figure


def score_rows(
    groups: Mapping[str, Sequence[float]], threshold: float, names: Mapping[str, Sequence[str]]
) -> go.Figure:
    """A row of points for each group of scores, and the threshold; names: what single points are, where told."""
    figure = go.Figure()
    for number, (group, scores) in enumerate(groups.items()):
        figure.add_scatter(
            x=_rounded(scores),
            y=[group] * len(scores),
            mode="markers",
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9, "opacity": 0.5},
            text=list(names.get(group, ())) or None,
            showlegend=False,
        )
    figure.add_vline(
        x=threshold,
        line_dash="dash",
        line_color="grey",
        annotation_text="threshold",
        annotation_position="top",
    )
    figure.update_layout(
        xaxis_title="image score", yaxis={"autorange": "reversed", "categoryarray": list(groups)}, height=320
    )
    return figure


@dataclass(frozen=True)
class Growing:
    """One photograph under a change that grows from nothing, and what the detector says at each step."""

    labels: Sequence[str]  # of the steps
    pictures: Sequence[Image.Image]
    d: Tensor  # (steps, H, W)
    scores: Sequence[float]


def growing_changes(kinds: Mapping[str, Growing], threshold: float) -> go.Figure:
    """A button for each kind of change and a slider over its strength: photograph, d, and the score at each step."""
    first = next(iter(kinds.values()))
    steps = range(len(first.labels))
    top = max(float(kind.d.max()) for kind in kinds.values())
    high = 1.4 * max(threshold, *(max(kind.scores) for kind in kinds.values()))
    figure = go.Figure()
    for number, kind in enumerate(kinds.values()):
        curve = go.Scatter(x=list(steps), y=_rounded(kind.scores), mode="lines", xaxis="x3", yaxis="y3")
        curve.update(line={"color": OKABE_ITO[0], "width": 2}, hoverinfo="skip")
        for trace in (curve, *_state(kind, 0, top, high)):
            figure.add_trace(trace.update(visible=number == 0))
    moving = [4 * number + part for number in range(len(kinds)) for part in (1, 2, 3)]
    figure.frames = [
        go.Frame(
            name=str(step), data=[t for kind in kinds.values() for t in _state(kind, step, top, high)], traces=moving
        )
        for step in steps
    ]
    shown = [name for name in kinds for _ in range(4)]
    buttons = [
        {"label": name, "method": "restyle", "args": ["visible", [name == other for other in shown]]} for name in kinds
    ]
    figure.add_shape(
        {"type": "line", "xref": "x3 domain", "yref": "y3", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold}
        | {"line": {"dash": "dash", "color": "grey"}}
    )
    figure.update_layout(
        **_two_pictures_above_a_curve(len(steps), high),
        showlegend=False,
        height=460,
        sliders=[
            {
                "active": 0,
                "steps": [{"label": str(s), "method": "animate", "args": [[str(s)], NOW]} for s in steps],
                "currentvalue": {"prefix": "step "},
                "pad": {"t": 56},
            }
        ],
        updatemenus=[{"type": "buttons", "direction": "right", "buttons": buttons, "y": 1.15, "x": 1}],
    )
    return figure


def _two_pictures_above_a_curve(steps: int, high: float) -> dict[str, dict[str, object]]:
    """The axes: photograph and map beside each other, and below them the scores, up to `high`, of so many steps."""
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
    across = {**bare, "constrain": "domain"}
    down = {**bare, "domain": [0.42, 1], "autorange": "reversed", "constraintoward": "bottom"}
    return {
        "xaxis": {**across, "domain": [0, 0.47], "anchor": "y"},
        "yaxis": {**down, "anchor": "x", "scaleanchor": "x"},
        "xaxis2": {**across, "domain": [0.53, 1], "anchor": "y2"},
        "yaxis2": {**down, "anchor": "x2", "scaleanchor": "x2"},
        "xaxis3": {"domain": [0, 1], "anchor": "y3", "dtick": 1, "range": [-0.4, steps - 0.6]},
        "yaxis3": {"domain": [0, 0.32], "anchor": "x3", "title": "score", "range": [0, high]},
    }


def _state(kind: Growing, step: int, top: float, high: float) -> list[go.Image | go.Heatmap | go.Scatter]:
    """What the slider changes of one kind: photograph, map and the point on the curve of scores."""
    d = [[round(value, 2) for value in row] for row in kind.d[step].tolist()]
    return [
        go.Image(source=_png(kind.pictures[step]), hoverinfo="skip", xaxis="x", yaxis="y"),
        go.Heatmap(
            z=d, zmin=0, zmax=top, showscale=False, hovertemplate="d = %{z}<extra></extra>", xaxis="x2", yaxis="y2"
        ),
        go.Scatter(  # the point on the curve, and words above the curve's middle, where a telephone has room for them
            x=[step, (len(kind.labels) - 1) / 2],
            y=[*_rounded([kind.scores[step]]), high],
            mode="markers+text",
            text=["", f"{kind.labels[step]}: {kind.scores[step]:.2f}"],
            textposition="bottom center",
            marker={"size": [12, 0], "opacity": 1, "color": OKABE_ITO[1]},
            cliponaxis=False,
            xaxis="x3",
            yaxis="y3",
        ),
    ]


def _rounded(scores: Sequence[float]) -> list[float]:
    """Plain numbers to 3 decimals, so that a page stays small."""
    return [round(float(score), 3) for score in scores]


def _png(picture: Image.Image) -> str:
    """The photograph as an address that holds it, in grey and small."""
    file = io.BytesIO()
    picture.convert("L").resize((SHOWN, SHOWN)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def changed_photographs(pictures: Mapping[str, Image.Image], columns: int = 5) -> Figure:
    """Named photographs in rows of `columns`."""
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.5 * columns, 1.75 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
        axis.imshow(np.asarray(picture.convert("RGB")))
        axis.set_title(name, fontsize=10)
    return figure
