"""Figures of a detector at work: photographs with their maps, and scores with a threshold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure

from gradlib.data import read_image
from gradlib.figures import OKABE_ITO, describe
from gradlib.scores import anomaly_map

NORMAL, ANOMALOUS = OKABE_ITO[0], OKABE_ITO[1]


def photographs_with_maps(
    paths: Sequence[Path], d: np.ndarray, titles: Sequence[str], *, protocol: str = "paper", vmax: float | None = None
) -> Figure:
    """Each photograph above its anomaly map, all maps on one colour scale; d: (n, H, W) of these n images."""
    size = 224
    maps = anomaly_map(torch.from_numpy(d), size, protocol).numpy()
    top = float(maps.max()) if vmax is None else vmax
    figure, axes = plt.subplots(2, len(paths), figsize=(1.9 * len(paths), 4.1), squeeze=False)
    for column, (path, title) in enumerate(zip(paths, titles, strict=True)):
        photograph = read_image(path).resize((size, size))
        axes[0, column].imshow(photograph)
        axes[0, column].set_title(title, fontsize=9)
        drawn = axes[1, column].imshow(maps[column], cmap="cividis", vmin=0, vmax=top)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.colorbar(drawn, ax=axes[1, :], shrink=0.9, label="d")
    return figure


def loss_curve(losses: Sequence[float], drops: Sequence[int]) -> go.Figure:
    """The mean loss of each epoch on a logarithmic axis, and where both learning rates fall tenfold."""
    epochs = list(range(1, len(losses) + 1))
    figure = go.Figure(go.Scatter(x=epochs, y=list(losses), mode="lines+markers", name="loss (Eq. 7)"))
    for drop in drops:
        figure.add_vline(x=drop + 0.5, line_dash="dash", line_color="grey")
    figure.update_layout(xaxis_title="epoch", yaxis_title="mean loss", yaxis_type="log", showlegend=False)
    return describe(
        figure,
        f"The training loss falls from {losses[0]:.3f} in the first to {losses[-1]:.3f} in the last of {len(losses)} "
        f"epochs; dashed lines mark where both learning rates fall tenfold.",
    )


def confusion(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[str, int]:
    """Counts of the four outcomes when everything at or above the threshold is called anomalous."""
    called = score >= threshold
    return {
        "found": int((called & (label == 1)).sum()),
        "missed": int((~called & (label == 1)).sum()),
        "false alarms": int((called & (label == 0)).sum()),
        "passed": int((~called & (label == 0)).sum()),
    }


def threshold_slider(score: np.ndarray, label: np.ndarray, *, steps: int = 41) -> go.Figure:
    """Histograms of both kinds of image scores with a slider for the threshold; the title counts the outcomes."""
    figure = go.Figure()
    edges = np.linspace(score.min(), score.max(), 41)
    for value, name, colour, pattern in ((0, "normal", NORMAL, ""), (1, "anomalous", ANOMALOUS, "/")):
        counts, _ = np.histogram(score[label == value], edges)
        marker = {"color": colour, "pattern": {"shape": pattern}}
        middle = ((edges[1:] + edges[:-1]) / 2).round(4)
        figure.add_bar(x=middle.tolist(), y=counts.tolist(), name=name, marker=marker, opacity=0.75)
    thresholds = np.linspace(score.min(), score.max(), steps).tolist()
    states = [_threshold_state(score, label, threshold) for threshold in thresholds]
    positions = [
        {"label": f"{threshold:.2f}", "method": "relayout", "args": [state]}
        for threshold, state in zip(thresholds, states, strict=True)
    ]
    start = steps // 3
    figure.update_layout(
        barmode="overlay",
        bargap=0,
        xaxis_title="image score",
        yaxis_title="images",
        height=480,
        margin_t=110,
        title={"text": states[start]["title.text"], "font": {"size": 14}},
        shapes=states[start]["shapes"],
        sliders=[{"active": start, "steps": positions, "currentvalue": {"prefix": "threshold "}, "pad": {"t": 48}}],
    )
    return describe(
        figure,
        f"Histograms of the image scores of {int((label == 0).sum())} normal and {int((label == 1).sum())} anomalous "
        f"test images; a slider moves the threshold and the title counts what is found, missed, passed, a false alarm.",
    )


def _threshold_state(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[str, Any]:
    """What the slider changes at one threshold: the line and the title."""
    style = {"dash": "dash", "color": "grey"}
    line = {"type": "line", "x0": threshold, "x1": threshold, "y0": 0, "y1": 1, "yref": "paper", "line": style}
    found, missed, alarms, passed = (f"{n} {name}" for name, n in confusion(score, label, threshold).items())
    words = f"{found}, {missed},<br>{alarms}, {passed}"  # two lines, so that they fit a telephone
    return {"shapes": [line], "title.text": words}
