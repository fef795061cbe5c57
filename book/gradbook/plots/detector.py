"""Figures of a detector at work: photographs with their maps, its loss, and the outcomes at a threshold."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from gradbook.page import describe
from gradbook.study.method_maps import MethodMaps
from gradlib.data.images import read_image
from gradlib.scores import anomaly_map


def photographs_with_maps(
    paths: Sequence[Path], d: np.ndarray, titles: Sequence[str], *, protocol: str = "paper", vmax: float | None = None
) -> Figure:
    """Each photograph above its anomaly map, all maps on one colour scale; d: (n, H, W) of these n images."""
    size = 224
    maps = anomaly_map(torch.from_numpy(d), size, protocol).numpy()
    top = float(maps.max()) if vmax is None else vmax
    figure, axes = plt.subplots(2, len(paths), figsize=(1.3 * len(paths), 3.0), squeeze=False)
    for column, (path, title) in enumerate(zip(paths, titles, strict=True)):
        photograph = read_image(path).resize((size, size))
        axes[0, column].imshow(photograph)
        axes[0, column].set_title(title, fontsize=9)
        drawn = axes[1, column].imshow(maps[column], cmap="cividis", vmin=0, vmax=top)
    for axis in axes.flat:
        axis.set_axis_off()
    bar_of_d(figure, drawn, axes[1, :])
    return figure


def bar_of_d(figure: Figure, drawn: AxesImage, axes: np.ndarray) -> Colorbar:
    """A colour bar beside the axes of maps of d, with its letter upright: a lying d is read as another letter."""
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9)
    bar.set_label("d", rotation=0, labelpad=9)
    return bar


def side_by_side(methods: MethodMaps, root: Path) -> Figure:
    """Photographs above the maps of each method; a map's scale ends at the largest d of that method's normal images."""
    names, size = list(methods.d), 224
    columns = len(methods.images)
    figure, axes = plt.subplots(
        1 + len(names), columns, figsize=(1.1 * columns, 1.15 * (1 + len(names))), squeeze=False
    )
    for column, image in enumerate(methods.images):
        axes[0, column].imshow(read_image(root / image).resize((size, size)))
        for row, name in enumerate(names, start=1):
            drawn = anomaly_map(torch.from_numpy(methods.d[name][[column]]), size)[0].numpy()  # (S, S)
            axes[row, column].imshow(drawn, cmap="cividis", vmin=0, vmax=methods.normal_top[name])
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for row, name in enumerate(["photograph", *names]):
        axes[row, 0].set_ylabel(name)
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
        f"The training loss is {losses[0]:.3f} in the first and {losses[-1]:.3f} in the last of {len(losses)} epochs; "
        "dashed lines mark where both learning rates fall tenfold.",
    )
