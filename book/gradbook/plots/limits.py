"""Limits of a detector: metrics over the number of images, scores in rows, and an image under a growing change."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from PIL import Image
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.common import DASHES, SYMBOLS, Series, add_buttons, add_frames, rounded, with_bars

SIDE = 112  # pixels of an image in a figure
TRACES = 4  # of each growing change: the curve, and the three of `_state`


def metrics_by_number(series: Mapping[str, Mapping[str, Mapping[int, tuple[float, float]]]], x_title: str) -> go.Figure:
    """Mean and standard deviation of each method over a number, in percent; a button for each metric.

    series: metric -> method -> number -> (mean, deviation).
    """
    lines: list[Series] = []
    metric_of_line: list[str] = []
    for metric, methods in series.items():
        for i, (method, points) in enumerate(methods.items()):
            mean, deviation = zip(*points.values(), strict=True)
            line = Series(method, list(points), mean, deviation, dash=DASHES[i], symbol=SYMBOLS[i], color=OKABE_ITO[i])
            lines.append(line)
            metric_of_line.append(metric)
    buttons = []
    for metric in series:
        visible = {"visible": [metric == other for other in metric_of_line]}
        buttons.append({"label": metric, "method": "update", "args": [visible, {"yaxis.title.text": f"{metric}, %"}]})
    numbers = sorted({x for methods in series.values() for points in methods.values() for x in points})
    first = next(iter(series))
    figure = with_bars(lines, x_title=x_title, y_title=f"{first}, %", ticks=numbers)
    for trace, metric in zip(figure.data, metric_of_line, strict=True):
        trace.visible = metric == first
    add_buttons(figure, buttons, y=1.3, x=1)
    return figure


def score_rows(
    groups: Mapping[str, Sequence[float]], threshold: float, names: Mapping[str, Sequence[str]]
) -> go.Figure:
    """A row of points for each group of scores, and the threshold; names: group -> hover text of each of its points."""
    figure = go.Figure()
    for number, (group, scores) in enumerate(groups.items()):
        figure.add_scatter(
            x=rounded(scores),
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
class GrowingChange:
    """One image under a change of growing strength, with the detector's maps and scores at each step."""

    labels: Sequence[str]  # of the steps
    images: Sequence[Image.Image]
    d: Tensor  # (steps, H, W)
    scores: Sequence[float]


def growing_changes(changes: Mapping[str, GrowingChange], threshold: float) -> go.Figure:
    """Image, d and score at each step; a button selects the kind of change, a slider the step."""
    steps = len(next(iter(changes.values())).labels)
    top = max(float(change.d.max()) for change in changes.values())
    high = 1.4 * max(threshold, *(max(change.scores) for change in changes.values()))
    figure = go.Figure()
    for number, change in enumerate(changes.values()):
        curve = go.Scatter(x=list(range(steps)), y=rounded(change.scores), mode="lines", xaxis="x3", yaxis="y3")
        curve.update(line={"color": OKABE_ITO[0], "width": 2}, hoverinfo="skip")
        for trace in (curve, *_state(change, 0, top, high)):
            figure.add_trace(trace.update(visible=number == 0))
    moving = [n for n in range(TRACES * len(changes)) if n % TRACES]  # all but the curves
    frames = []
    for step in range(steps):
        states = [trace for change in changes.values() for trace in _state(change, step, top, high)]
        frames.append(go.Frame(name=str(step), data=states, traces=moving))
    figure.add_shape(
        {"type": "line", "xref": "x3 domain", "yref": "y3", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold}
        | {"line": {"dash": "dash", "color": "grey"}}
    )
    figure.update_layout(**_axes_of_changes(steps, high), showlegend=False, height=460)
    add_frames(figure, frames, "step ")
    name_of_trace = [name for name in changes for _ in range(TRACES)]
    visible = {name: [name == other for other in name_of_trace] for name in changes}
    buttons = [{"label": name, "method": "restyle", "args": ["visible", visible[name]]} for name in changes]
    add_buttons(figure, buttons, y=1.15, x=1)
    return figure


def _axes_of_changes(steps: int, high: float) -> dict[str, dict[str, object]]:
    """Axes of the image and the map side by side, and below them of the scores, from 0 to `high`."""
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


def _state(change: GrowingChange, step: int, top: float, high: float) -> list[go.Image | go.Heatmap | go.Scatter]:
    """What the slider changes: the image, its map on a scale from 0 to `top`, and the point on the curve of scores."""
    return [
        go.Image(source=_data_url(change.images[step]), hoverinfo="skip", xaxis="x", yaxis="y"),
        go.Heatmap(
            z=rounded(change.d[step], 2),
            zmin=0,
            zmax=top,
            showscale=False,
            hovertemplate="d = %{z}<extra></extra>",
            xaxis="x2",
            yaxis="y2",
        ),
        go.Scatter(  # the point, and its label above the middle of the curve, where it fits on a telephone
            x=[step, (len(change.labels) - 1) / 2],
            y=[round(change.scores[step], 3), high],
            mode="markers+text",
            text=["", f"{change.labels[step]}: {change.scores[step]:.2f}"],
            textposition="bottom center",
            marker={"size": [12, 0], "opacity": 1, "color": OKABE_ITO[1]},
            cliponaxis=False,
            xaxis="x3",
            yaxis="y3",
        ),
    ]


def _data_url(image: Image.Image) -> str:
    """A small grey copy of the image as a data URL."""
    file = io.BytesIO()
    image.convert("L").resize((SIDE, SIDE)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
