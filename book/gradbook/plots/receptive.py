"""The stages of a backbone: one channel of each, and how the border changes them."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from gradbook.plots.common import subplots


def stage_channels(image: Tensor, maps: Sequence[Tensor]) -> Figure:
    """An image (3, S, S), and of each stage's map (1, C_i, H_i, W_i) the channel of largest variance, in two rows."""
    columns = -(-(len(maps) + 1) // 2)
    figure, axes = subplots(2, columns, (2.2 * columns, 4.7))
    grey = image.mean(dim=0)  # (S, S)
    axes.flat[0].imshow(grey.numpy(), cmap="gray")
    axes.flat[0].set_title(f"photograph, {grey.shape[0]} × {grey.shape[1]}", fontsize=9)
    for axis, (number, stage) in zip(axes.flat[1:], enumerate(maps), strict=False):
        channel = int(stage[0].flatten(1).var(dim=1).argmax())
        axis.imshow(stage[0, channel].numpy())
        axis.set_title(f"stage {number}, {stage.shape[2]} × {stage.shape[3]}, channel {channel}", fontsize=9)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure


def maps_in_row(maps: Sequence[Tensor], titles: Sequence[str], label: str) -> Figure:
    """Square maps (H_i, H_i) of non-negative numbers side by side, on one colour scale from 0, which `label` names."""
    top = max(float(values.max()) for values in maps)
    figure, axes = subplots(1, len(maps), (3.1 * len(maps) + 0.6, 3.1))
    for axis, values, title in zip(axes[0], maps, titles, strict=True):
        heatmap = axis.imshow(values.numpy(), vmin=0, vmax=top)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.colorbar(heatmap, ax=axes[0, -1], shrink=0.9, label=label)
    return figure
