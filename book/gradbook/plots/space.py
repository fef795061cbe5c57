"""Figures of coordinate space: rows of pictures, and what changes along a walk."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import plotly.graph_objects as go
from matplotlib.figure import Figure
from torch import Tensor

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.grid1d import DASHES

SYMBOLS = ("circle", "diamond", "square", "cross")


def picture_rows(rows: Mapping[str, Tensor], titles: Sequence[str]) -> Figure:
    """A row of n pictures under each name, a title above each column; pictures (n, 3, S, S) in [0, 1]."""
    figure, axes = plt.subplots(len(rows), len(titles), figsize=(1.35 * len(titles), 1.45 * len(rows)), squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=9)
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture.permute(1, 2, 0).numpy(), vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def walk(along: Sequence[float], shares: Mapping[str, Sequence[float]], ends: tuple[str, str]) -> go.Figure:
    """The share of pictures that look like the second class, along a line from the first class's middle (0) to the
    second's (1); a curve for the photographs of each class."""
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
    told = "; ".join(f"{name}: from {share[0]:.0%} to {share[-1]:.0%}" for name, share in shares.items())
    words = f"Share of pictures that look like {ends[1]} from the middle of {ends[0]} to that of {ends[1]}. {told}."
    return describe(figure, words)
