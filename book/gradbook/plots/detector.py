"""A detector at work: images above their anomaly maps, and its training loss."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure

from gradbook.page import describe
from gradbook.plots.common import add_d_colorbar, remove_ticks, subplots
from gradbook.study.method_maps import MethodMaps
from gradlib.data.images import read_image
from gradlib.scores import anomaly_map

SIZE = 224  # pixels of images and maps


def images_above_maps(
    paths: Sequence[Path], d: np.ndarray, titles: Sequence[str], *, protocol: str = "paper", vmax: float | None = None
) -> Figure:
    """Each image above its anomaly map, all maps on one colour scale that ends at `vmax`, by default at their maximum.

    d: (n, H, W), the distances of these n images.
    """
    maps = anomaly_map(torch.from_numpy(d), SIZE, protocol).numpy()  # (n, S, S)
    top = float(maps.max()) if vmax is None else vmax
    figure, axes = subplots(2, len(paths), (1.3 * len(paths), 3.0))
    for column, (path, title) in enumerate(zip(paths, titles, strict=True)):
        axes[0, column].imshow(read_image(path).resize((SIZE, SIZE)))
        axes[0, column].set_title(title, fontsize=9)
        heatmap = axes[1, column].imshow(maps[column], cmap="cividis", vmin=0, vmax=top)
    for axis in axes.flat:
        axis.set_axis_off()
    add_d_colorbar(figure, heatmap, axes[1, :])
    return figure


def maps_of_methods(methods: MethodMaps, root: Path) -> Figure:
    """Images above their maps by each method; a method's colour scale ends at the largest d of its normal images.

    root: the data set's folder, to which the images' paths are relative.
    """
    names, columns = list(methods.d), len(methods.images)
    rows = 1 + len(names)
    figure, axes = subplots(rows, columns, (1.1 * columns, 1.15 * rows))
    for column, image in enumerate(methods.images):
        axes[0, column].imshow(read_image(root / image).resize((SIZE, SIZE)))
        for row, name in enumerate(names, start=1):
            values = anomaly_map(torch.from_numpy(methods.d[name][[column]]), SIZE)[0].numpy()  # (S, S)
            axes[row, column].imshow(values, cmap="cividis", vmin=0, vmax=methods.normal_top[name])
    remove_ticks(axes)
    for axis in axes.flat:
        axis.spines[:].set_visible(False)
    for row, name in enumerate(["photograph", *names]):
        axes[row, 0].set_ylabel(name)
    return figure


def loss_curve(losses: Sequence[float], drops: Sequence[int]) -> go.Figure:
    """The mean loss of each epoch on a logarithmic axis, with dashed lines after the epochs in `drops`.

    There both learning rates fall to a tenth.
    """
    epochs = list(range(1, len(losses) + 1))
    figure = go.Figure(go.Scatter(x=epochs, y=list(losses), mode="lines+markers", name="loss (Eq. 7)"))
    for drop in drops:
        figure.add_vline(x=drop + 0.5, line_dash="dash", line_color="grey")
    figure.update_layout(xaxis_title="epoch", yaxis_title="mean loss", yaxis_type="log", showlegend=False)
    return describe(
        figure,
        f"The training loss is {losses[0]:.3f} in the first and {losses[-1]:.3f} in the last of {len(losses)} epochs; "
        "dashed lines mark where both learning rates fall to a tenth.",
    )
