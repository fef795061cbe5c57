"""A detector on the reader's own photographs: verdicts with maps, and what a few photographs say about a threshold."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch.nn import functional as F

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.common import add_d_colorbar, slider, subplots
from gradlib.data.images import read_image
from gradlib.deploy.thresholds import false_alarm_bound
from gradlib.scores import POOL_DIVISOR

BIN = 0.025  # width of a histogram's bins, in false alarm rate


def scoring_window(anomaly_map: np.ndarray) -> tuple[int, int, int]:
    """Row, column and side of the window whose mean is the score (Eq. {eq}`eq-score`); anomaly_map: (S, S)."""
    side = max(anomaly_map.shape[0] // POOL_DIVISOR, 1)
    means = F.avg_pool2d(torch.from_numpy(anomaly_map)[None, None], side, stride=1)[0, 0]  # (S - side + 1, ...)
    row, column = divmod(int(means.argmax()), means.shape[1])
    return row, column, side


def verdicts(paths: Sequence[Path], maps: np.ndarray, scores: Sequence[float], threshold: float) -> Figure:
    """Each photograph with its verdict, above its map drawn over it and the window that gave the score.

    maps: (n, S, S) of these n photographs, all on one colour scale, with a line at the threshold in its colour bar.
    """
    size, top = maps.shape[1], float(maps.max())
    figure, axes = subplots(2, len(paths), (1.7 * len(paths), 3.7))
    for (upper, lower), path, anomaly_map, score in zip(axes.T, paths, maps, scores, strict=True):
        photograph = np.asarray(read_image(path).resize((size, size)))
        verdict = "defective" if score >= threshold else "passes"
        upper.imshow(photograph)
        upper.set_title(f"{path.parent.name}/{path.name}\n{score:.2f}: {verdict}", fontsize=9)
        lower.imshow(photograph.mean(axis=2), cmap="gray", vmin=0, vmax=255)
        heatmap = lower.imshow(anomaly_map, cmap="cividis", vmin=0, vmax=top, alpha=0.7)
        y, x, side = scoring_window(anomaly_map)
        lower.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor="white", linewidth=2))
        lower.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor="black", linestyle=":"))
    for axis in axes.flat:
        axis.set_axis_off()
    bar = add_d_colorbar(figure, heatmap, axes[1, :])
    bar.ax.axhline(threshold, color=OKABE_ITO[1], linewidth=2)
    return figure


def false_alarm_bounds(normals: Sequence[int], confidence: float, marked: int) -> go.Figure:
    """The false alarm rate, on average and at most, if the highest of n held-out normal scores is the threshold.

    normals: the values of n on the x axis; marked: the n of the reader's folder.
    """
    bounds = [false_alarm_bound(n, 0, confidence) for n in normals]
    figure = go.Figure()
    figure.add_scatter(x=list(normals), y=bounds, name=f"bound, {confidence:.0%} confidence", line={"width": 3})
    means = [1 / (n + 1) for n in normals]
    figure.add_scatter(x=list(normals), y=means, name="on average", line={"dash": "dash", "width": 3})
    bound = false_alarm_bound(marked, 0, confidence)
    marker = {"size": 12, "symbol": "diamond"}
    figure.add_scatter(x=[marked], y=[bound], name="this folder", mode="markers", marker=marker)
    figure.update_xaxes(type="log", title="held-out normal photographs", dtick=1)
    figure.update_yaxes(type="log", title="false alarm rate", tickvals=[0.001, 0.01, 0.05, 0.1, 0.5], tickformat=".1~%")
    return describe(
        figure,
        f"Two falling curves on logarithmic axes. With the highest of {marked} held-out photographs as the threshold "
        f"the false alarm rate is {1 / (marked + 1):.1%} on average and below {bound:.1%} with {confidence:.0%} "
        f"confidence; with {normals[-1]} photographs it is {means[-1]:.1%} and {bounds[-1]:.1%}.",
    )


def false_alarm_histograms(rates: Mapping[int, np.ndarray], bounds: Mapping[int, float], aim: float) -> go.Figure:
    """Histograms of the false alarm rate over many draws of n photographs that set a threshold; a slider selects n.

    rates: n -> (draws,); bounds: n -> the bound of Eq. {eq}`eq-false-alarm`; aim: the rate aimed at; all in [0, 1].
    """
    edges = np.arange(0, 1 + BIN, BIN)
    figure, marks, sentences = go.Figure(), [], []
    for number, (n, values) in enumerate(rates.items()):
        shares = np.histogram(values, edges)[0] / len(values)  # (bins,)
        figure.add_bar(x=edges[:-1] + BIN / 2, y=shares, width=0.9 * BIN, visible=number == 0, showlegend=False)
        lines = [_vertical_line(bounds[n], OKABE_ITO[1], "solid"), _vertical_line(aim, "grey", "dash")]
        labels = [_label(bounds[n], f"bound {bounds[n]:.0%}", 1), _label(aim, f"aim {aim:.0%}", 1.07)]
        marks.append({"shapes": lines, "annotations": labels})
        within = (values <= bounds[n]).mean()
        sentences.append(f"{n} photographs: mean {values.mean():.1%}, at most {bounds[n]:.1%} in {within:.0%}")
    steps = [
        {"label": str(n), "method": "update", "args": [{"visible": [n == other for other in rates]}, mark]}
        for n, mark in zip(rates, marks, strict=True)
    ]
    largest = max([*bounds.values(), *(float(values.max()) for values in rates.values())], default=1)
    figure.update_layout(
        sliders=[slider(steps, "Deciding photographs: ")],
        xaxis={"title": "false alarm rate", "tickformat": ".0%", "range": [0, min(1, largest + BIN)]},
        yaxis={"title": "share of the draws", "tickformat": ".0%"},
    )
    if marks:
        figure.update_layout(marks[0])
    return describe(
        figure, f"Histograms of the false alarm rate over draws of deciding photographs. {'; '.join(sentences)}."
    )


def _vertical_line(at: float, color: str, dash: str) -> dict[str, object]:
    """A plotly shape: a vertical line over the full height."""
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
        "line": {"color": color, "dash": dash, "width": 2},
    }  # fmt: skip


def _label(at: float, text: str, height: float) -> dict[str, object]:
    """A plotly annotation to the right of such a line, at a share of the plot's height."""
    place = {"xref": "x", "yref": "paper", "x": at, "y": height, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False}
