"""Coordinate space: images in rows, and what changes along a walk."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from matplotlib.figure import Figure
from torch import Tensor

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.common import DASHES, SYMBOLS, remove_ticks, subplots


def image_rows(rows: Mapping[str, Tensor], titles: Sequence[str]) -> Figure:
    """A row of n images under each name and a title above each column; images: (n, 3, S, S) in [0, 1]."""
    figure, axes = subplots(len(rows), len(titles), (1.35 * len(titles), 1.45 * len(rows)))
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=9)
        for axis, image in zip(line, images, strict=True):
            axis.imshow(image.permute(1, 2, 0).numpy(), vmin=0, vmax=1)  # (S, S, 3)
    remove_ticks(axes)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def walk(along: Sequence[float], shares: Mapping[str, Sequence[float]], ends: tuple[str, str]) -> go.Figure:
    """The share of decoded images that look like the second category, on a line between the categories' centres.

    along: positions, 0 at the first centre and 1 at the second. shares: a curve for the images of each category. ends:
    the names of the categories.
    """
    figure = go.Figure()
    for number, (name, share) in enumerate(shares.items()):
        style = {"color": OKABE_ITO[number], "dash": DASHES[number]}
        marker = {"symbol": SYMBOLS[number], "size": 9}
        figure.add_scatter(x=list(along), y=list(share), name=f"photographs of {name}", line=style, marker=marker)
    figure.add_hline(y=0.5, line_dash="dot", line_color="grey")
    figure.update_layout(
        xaxis_title=f"from {ends[0]} (0) to {ends[1]} (1)",
        yaxis={"title": f"share that looks like {ends[1]}", "range": [-0.04, 1.04]},
    )
    changes = "; ".join(f"{name}: from {share[0]:.0%} to {share[-1]:.0%}" for name, share in shares.items())
    return describe(
        figure,
        f"Share of images that look like {ends[1]}, from the centre of {ends[0]} to that of {ends[1]}. {changes}.",
    )
