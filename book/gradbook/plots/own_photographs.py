"""Figures of a detector on somebody's own photographs: verdicts with their maps, and the luck of a few photographs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch.nn import functional as F

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.detector import bar_of_d
from gradlib.data.images import read_image
from gradlib.deploy.thresholds import false_alarm_bound
from gradlib.scores import POOL_DIVISOR

BIN = 0.025  # of the false alarm rate


def window_of_score(anomaly_map: np.ndarray) -> tuple[int, int, int]:
    """Row, column and side of the window whose mean is the score (Eq. {eq}`eq-score`); anomaly_map (S, S)."""
    side = max(anomaly_map.shape[0] // POOL_DIVISOR, 1)
    means = F.avg_pool2d(torch.from_numpy(anomaly_map)[None, None], side, stride=1)[0, 0]  # (S - side + 1, ...)
    row, column = divmod(int(means.argmax()), means.shape[1])
    return row, column, side


def verdicts(paths: Sequence[Path], maps: np.ndarray, scores: Sequence[float], threshold: float) -> Figure:
    """Each photograph above its map laid over it, with the verdict and the window that gave the score.

    maps: (n, S, S) of these n photographs, all on one colour scale.
    """
    size, top = maps.shape[1], float(maps.max())
    figure, axes = plt.subplots(2, len(paths), figsize=(1.7 * len(paths), 3.7), squeeze=False)
    for column, (path, found, score) in enumerate(zip(paths, maps, scores, strict=True)):
        photograph = np.asarray(read_image(path).resize((size, size)))
        verdict = "defective" if score >= threshold else "passes"
        axes[0, column].imshow(photograph)
        axes[0, column].set_title(f"{path.parent.name}/{path.name}\n{score:.2f}: {verdict}", fontsize=9)
        axes[1, column].imshow(photograph.mean(axis=2), cmap="gray", vmin=0, vmax=255)
        drawn = axes[1, column].imshow(found, cmap="cividis", vmin=0, vmax=top, alpha=0.7)
        y, x, side = window_of_score(found)
        axes[1, column].add_patch(Rectangle((x, y), side, side, fill=False, edgecolor="white", linewidth=2))
        axes[1, column].add_patch(Rectangle((x, y), side, side, fill=False, edgecolor="black", linestyle=":"))
    for axis in axes.flat:
        axis.set_axis_off()
    bar = bar_of_d(figure, drawn, axes[1, :])
    bar.ax.axhline(threshold, color=OKABE_ITO[1], linewidth=2)
    return figure


def false_alarm_promises(normals: Sequence[int], confidence: float, marked: int) -> go.Figure:
    """What the highest of n held-out normal scores promises, over n: the mean false alarm rate and its bound.

    marked: the n of the folder at hand.
    """
    bounds = [false_alarm_bound(n, 0, confidence) for n in normals]
    figure = go.Figure()
    figure.add_scatter(x=list(normals), y=bounds, name=f"bound, {confidence:.0%} confidence", line={"width": 3})
    means = [1 / (n + 1) for n in normals]
    figure.add_scatter(x=list(normals), y=means, name="on average", line={"dash": "dash", "width": 3})
    here = false_alarm_bound(marked, 0, confidence)
    figure.add_scatter(
        x=[marked], y=[here], name="this folder", mode="markers", marker={"size": 12, "symbol": "diamond"}
    )
    figure.update_xaxes(type="log", title="held-out normal photographs", dtick=1)
    figure.update_yaxes(type="log", title="false alarm rate", tickvals=[0.001, 0.01, 0.05, 0.1, 0.5], tickformat=".1~%")
    return describe(
        figure,
        f"Two falling curves on logarithmic axes. With the highest of {marked} held-out photographs as the threshold "
        f"the false alarm rate is {1 / (marked + 1):.1%} on average and below {here:.1%} with {confidence:.0%} "
        f"confidence; with {normals[-1]} photographs it is {means[-1]:.1%} and {bounds[-1]:.1%}.",
    )


def luck(rates: Mapping[int, np.ndarray], bounds: Mapping[int, float], wanted: float) -> go.Figure:
    """Histograms of the false alarm rate over many draws of n deciding photographs; a slider chooses n.

    rates: n -> (draws,); bounds: n -> the rate that Eq. {eq}`eq-false-alarm` allows; wanted: the rate aimed at.
    """
    edges = np.arange(0, 1 + BIN, BIN)
    figure, marks, told = go.Figure(), [], []
    for number, (n, found) in enumerate(rates.items()):
        shares = np.histogram(found, edges)[0] / len(found)  # (bins,)
        figure.add_bar(x=edges[:-1] + BIN / 2, y=shares, width=0.9 * BIN, visible=number == 0, showlegend=False)
        lines = [_line(bounds[n], OKABE_ITO[1], "solid"), _line(wanted, "grey", "dash")]
        notes = [_note(bounds[n], f"bound {bounds[n]:.0%}", 1), _note(wanted, f"aim {wanted:.0%}", 1.07)]
        marks.append({"shapes": lines, "annotations": notes})
        kept = (found <= bounds[n]).mean()
        told.append(f"{n} photographs: mean {found.mean():.1%}, at most {bounds[n]:.1%} in {kept:.0%}")
    steps = [
        {"label": str(n), "method": "update", "args": [{"visible": [n == other for other in rates]}, mark]}
        for n, mark in zip(rates, marks, strict=True)
    ]
    largest = max([*bounds.values(), *(float(found.max()) for found in rates.values())], default=1)
    figure.update_layout(
        sliders=[{"steps": steps, "currentvalue": {"prefix": "Deciding photographs: "}}],
        xaxis={
            "title": "false alarm rate", "tickformat": ".0%",
            "range": [0, min(1, largest + BIN)],
        },
        yaxis={"title": "share of the draws", "tickformat": ".0%"},
    )  # fmt: skip
    if marks:
        figure.update_layout(marks[0])
    words = f"Histograms of the false alarm rate over draws of deciding photographs. {'; '.join(told)}."
    return describe(figure, words)


def _line(at: float, color: str, dash: str) -> dict[str, object]:
    """A vertical line over the whole height, as a plotly shape."""
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
        "line": {"color": color, "dash": dash, "width": 2},
    }  # fmt: skip


def _note(at: float, text: str, height: float) -> dict[str, object]:
    """Words at `height`, in shares of the plot's, beside such a line."""
    place = {"xref": "x", "yref": "paper", "x": at, "y": height, "xanchor": "left", "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False}
