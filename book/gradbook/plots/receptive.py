"""Figures of a backbone's maps: the stages of one photograph, and boards of numbers on one scale."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor


def receptive_fields(image: Tensor, maps: Sequence[Tensor]) -> Figure:
    """A photograph (3, S, S) beside the most varying channel of each stage's map (1, C_i, H_i, W_i), two rows."""
    columns = -(-(len(maps) + 1) // 2)
    figure, axes = plt.subplots(2, columns, figsize=(2.2 * columns, 4.7), squeeze=False)
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


def influence_beside(boards: Sequence[Tensor], titles: Sequence[str], label: str) -> Figure:
    """Square boards of numbers (H_i, W_i) side by side on one scale, which `label` names."""
    top = max(float(board.max()) for board in boards)
    figure, axes = plt.subplots(1, len(boards), figsize=(3.1 * len(boards) + 0.6, 3.1), squeeze=False)
    for axis, board, title in zip(axes[0], boards, titles, strict=True):
        drawn = axis.imshow(board.numpy(), vmin=0, vmax=top)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.colorbar(drawn, ax=axes[0, -1], shrink=0.9, label=label)
    return figure
