"""Coordinate planes with patches and images between a grid's knots, and the maps of a forward pass."""

from collections.abc import Mapping, Sequence
from itertools import product

import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.common import SYMBOLS, add_d_colorbar, add_frames, remove_ticks, rounded, subplots
from gradlib.data.samples import Sample
from gradlib.model import GradOutput

WHITE_EDGE = {"width": 1, "color": "white"}  # of marks that may overlap


def forward_maps(image: Tensor, output: GradOutput) -> Figure:
    """The maps of one image's forward pass: the image (S, S), both coordinates v^l, |x - f^n|, S and d.

    output: of this image alone. Explained in {ref}`ch-global`.
    """
    length = torch.linalg.vector_norm(output.features - output.normal, dim=1)  # (1, H, W)
    top = float(length.max())
    panels = [
        ("photograph", image, "gray", None, None),
        ("$v^l$, first", output.local_coordinates[0, 0], "PuOr", -1, 1),
        ("$v^l$, second", output.local_coordinates[0, 1], "PuOr", -1, 1),
        ("$|x - f^n|$", length[0], "cividis", 0, top),
        ("$S$", output.similarity[0], "cividis", min(0, float(output.similarity.min())), 1),
        ("$d$", output.error[0], "cividis", 0, top),
    ]
    figure, axes = subplots(2, 3, (5.8, 3.7))
    for axis, (title, values, colours, low, high) in zip(axes.flat, panels, strict=True):
        heatmap = axis.imshow(values.numpy(), cmap=colours, vmin=low, vmax=high)
        axis.set_title(title, fontsize=12)
        if colours == "gray":
            axis.set_axis_off()
        else:
            H, W = values.shape
            axis.set(xticks=(0, W - 1), yticks=(0, H // 2, H - 1))
            figure.colorbar(heatmap, ax=axis, shrink=0.85)
    return figure


def maps_by_condition(images: Mapping[str, Tensor], maps: Mapping[str, Tensor]) -> Figure:
    """A row for each of n images (S, S): the image, then its map under each condition, all maps on one colour scale.

    maps: condition -> d (n, H, W).
    """
    top = max(float(d.max()) for d in maps.values())
    figure, axes = subplots(len(images), 1 + len(maps), (5.8, 1.45 * len(images)))
    for row, (name, image) in enumerate(images.items()):
        axes[row, 0].imshow(image.numpy(), cmap="gray")
        axes[row, 0].set_ylabel(name, fontsize=12)
        for axis, d in zip(axes[row, 1:], maps.values(), strict=True):
            heatmap = axis.imshow(d[row].numpy(), cmap="cividis", vmin=0, vmax=top)
    for axis, title in zip(axes[0], ("photograph", *maps), strict=True):
        axis.set_title(title, fontsize=12)
    remove_ticks(axes)
    add_d_colorbar(figure, heatmap, axes[:, -1])
    return figure


def local_plane(coordinates: Mapping[str, Tensor], d: Mapping[str, Tensor], R: int) -> go.Figure:
    """The patches of each named image between the R x R knots of the local grid; a slider highlights a row of the map.

    coordinates: (2, H, W) in [-1, 1]; d: (H, W), shown on hovering.
    """
    figure = _plane(R, "v<sup>l</sup>, coordinate 1", "v<sup>l</sup>, coordinate 2")
    H = next(iter(d.values())).shape[0]
    for number, (name, c) in enumerate(coordinates.items()):
        marker = {"symbol": SYMBOLS[number], "size": 6, "opacity": 0.35, "color": OKABE_ITO[number]}
        figure.add_scatter(**_xy(c), mode="markers", name=name, marker=marker, hoverinfo="skip")
    moving = list(range(1 + len(d), 1 + 2 * len(d)))
    frames = [go.Frame(name=str(h), data=_row_of_patches(coordinates, d, h), traces=moving) for h in range(H)]
    figure.add_traces(frames[H // 2].data)
    add_frames(figure, frames, "row of the map ", start=H // 2)
    return figure


def _row_of_patches(coordinates: Mapping[str, Tensor], d: Mapping[str, Tensor], h: int) -> list[go.Scatter]:
    """Large marks for the patches in row h of each image."""
    traces = []
    for number, (name, c) in enumerate(coordinates.items()):
        texts = [f"{name}<br>row {h}, column {w}<br>d = {float(d[name][h, w]):.2f}" for w in range(c.shape[2])]
        marker = {"symbol": SYMBOLS[number], "size": 13, "color": OKABE_ITO[number], "line": WHITE_EDGE}
        style = {"mode": "markers", "name": f"{name}: this row", "hoverinfo": "text", "marker": marker}
        traces.append(go.Scatter(**_xy(c[:, h]), **style, text=texts))
    return traces


def global_plane(history: Tensor, samples: Sequence[Sample], R: int) -> go.Figure:
    """Each of N images as a point between the R x R knots of the global grid; a slider moves through the epochs.

    history: (epochs + 1, N, 2) in [-1, 1], the first before training. Colours differ by category, symbols by category
    and label.
    """
    figure = _plane(R, "v<sup>g</sup>, coordinate 1", "v<sup>g</sup>, coordinate 2")
    categories = list(dict.fromkeys(sample.category for sample in samples))
    groups = list(product(categories, (0, 1)))
    members = [[i for i, s in enumerate(samples) if (s.category, s.label) == group] for group in groups]
    for number, ((category, label), rows) in enumerate(zip(groups, members, strict=True)):
        marker = {
            "symbol": SYMBOLS[number % len(SYMBOLS)],
            "size": 10,
            "color": OKABE_ITO[categories.index(category) % len(OKABE_ITO)],
            "line": WHITE_EDGE,
        }
        figure.add_scatter(
            **_xy(history[-1, rows].T),
            mode="markers",
            name=f"{category}, {'defective' if label else 'normal'}",
            text=[f"{samples[i].image.name}<br>{category}, {samples[i].defect}" for i in rows],
            hoverinfo="text",
            marker=marker,
        )
    moving = list(range(1, 1 + len(groups)))
    frames = [
        go.Frame(name=str(epoch), data=[go.Scatter(**_xy(c[rows].T)) for rows in members], traces=moving)
        for epoch, c in enumerate(history)
    ]
    add_frames(figure, frames, "epochs trained ", start=len(frames) - 1)
    return figure


def _plane(R: int, first: str, second: str) -> go.Figure:
    """The square [-1, 1] x [-1, 1] with a grid's R x R knots; first, second: the axes' titles."""
    knots = [round(2 * i / (R - 1) - 1, 4) for i in range(R)]
    ends = ["-1", *[""] * (R - 2), "1"]  # labels at all knots would rotate or collide on a telephone
    figure = go.Figure()
    figure.add_scatter(
        x=[a for a, _ in product(knots, knots)],
        y=[b for _, b in product(knots, knots)],
        mode="markers",
        name="knots",
        marker={"symbol": "cross-thin-open", "size": 9, "color": "grey"},
        hoverinfo="skip",
    )
    axis = {"range": [-1.08, 1.08], "tickvals": knots, "ticktext": ends, "zeroline": False}
    figure.update_layout(
        xaxis={**axis, "title": first, "constrain": "domain"},
        yaxis={**axis, "title": second, "scaleanchor": "x", "constrain": "domain"},
        height=520,
        margin_b=72,
    )
    return figure


def _xy(c: Tensor) -> dict[str, list[float]]:
    """Coordinates (2, ...) as the x and y of a trace."""
    x, y = rounded(c.flatten(1))
    return {"x": x, "y": y}
