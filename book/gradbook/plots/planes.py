"""Figures of coordinates: patches and images as points between a grid's knots, and the maps of one cell's way through
GRAD. Used in {ref}`ch-local` and {ref}`ch-global`."""

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import plotly.graph_objects as go
import torch
from torch import Tensor

from gradbook.page import OKABE_ITO
from gradbook.plots.detector import bar_of_d
from gradlib.data.samples import Sample
from gradlib.model import GradOutput

SYMBOLS = ("circle", "x", "square", "triangle-up")  # two for each class, so that colour is never needed
NOW = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}


def photograph_row(pictures: Mapping[str, Tensor]) -> None:
    """Named photographs (S, S) in a row."""
    _, axes = plt.subplots(1, len(pictures), figsize=(5.6, 2.2), squeeze=False)
    for axis, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(picture.numpy(), cmap="gray")
        axis.set_title(name, fontsize=12)
        axis.set_axis_off()


def feature_stages(photograph: Tensor, output: GradOutput) -> None:
    """One cell's way from photograph to d: photograph (S, S), v^l's two coordinates, |x - f^n|, S and d."""
    length = torch.linalg.vector_norm(output.features - output.normal, dim=1)  # (1, H, W)
    top = float(length.max())
    pictures = [
        ("photograph", photograph, "gray", None, None),
        ("$v^l$, first", output.local_coordinates[0, 0], "PuOr", -1, 1),
        ("$v^l$, second", output.local_coordinates[0, 1], "PuOr", -1, 1),
        ("$|x - f^n|$", length[0], "cividis", 0, top),
        ("$S$", output.similarity[0], "cividis", min(0, float(output.similarity.min())), 1),
        ("$d$", output.error[0], "cividis", 0, top),
    ]
    figure, axes = plt.subplots(2, 3, figsize=(5.8, 3.7))
    for axis, (title, picture, colours, low, high) in zip(axes.flat, pictures, strict=True):
        drawn = axis.imshow(picture.numpy(), cmap=colours, vmin=low, vmax=high)
        axis.set_title(title, fontsize=12)
        if colours == "gray":
            axis.set_axis_off()
        else:
            axis.set_xticks((0, picture.shape[1] - 1))
            axis.set_yticks((0, picture.shape[0] // 2, picture.shape[0] - 1))
            figure.colorbar(drawn, ax=axis, shrink=0.85)


def photographs_and_maps(photographs: Mapping[str, Tensor], maps: Mapping[str, Tensor]) -> None:
    """A row for each of n photographs (S, S): itself, then d (n, H, W) of each condition, all d on one scale."""
    top = max(float(d.max()) for d in maps.values())
    size = (5.8, 1.45 * len(photographs))
    figure, axes = plt.subplots(len(photographs), 1 + len(maps), figsize=size, squeeze=False)
    for row, (name, photograph) in enumerate(photographs.items()):
        axes[row, 0].imshow(photograph.numpy(), cmap="gray")
        axes[row, 0].set_ylabel(name, fontsize=12)
        for axis, d in zip(axes[row, 1:], maps.values(), strict=True):
            drawn = axis.imshow(d[row].numpy(), cmap="cividis", vmin=0, vmax=top)
    for axis, title in zip(axes[0], ("photograph", *maps), strict=True):
        axis.set_title(title, fontsize=12)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    bar_of_d(figure, drawn, axes[:, -1])


def local_plane(coordinates: Mapping[str, Tensor], d: Mapping[str, Tensor], R: int) -> go.Figure:
    """Every patch of each named image over the R x R knots of the local grid; a slider picks a row of the map.

    coordinates: (2, H, W) in [-1, 1], d: (H, W) for the hover text.
    """
    figure = _plane(R, "v<sup>l</sup>, coordinate 1", "v<sup>l</sup>, coordinate 2")
    H = next(iter(d.values())).shape[0]
    for number, (name, c) in enumerate(coordinates.items()):
        marker = {"symbol": SYMBOLS[number], "size": 6, "opacity": 0.35, "color": OKABE_ITO[number]}
        figure.add_scatter(**_points(c), mode="markers", name=name, marker=marker, hoverinfo="skip")
    rows = range(H)
    frames = []
    for h in rows:
        chosen = []
        for number, (name, c) in enumerate(coordinates.items()):
            words = [f"{name}<br>row {h}, column {w}<br>d = {float(d[name][h, w]):.2f}" for w in range(c.shape[2])]
            marker = {"symbol": SYMBOLS[number], "size": 13, "color": OKABE_ITO[number]}
            marker["line"] = {"width": 1, "color": "white"}
            chosen.append(
                go.Scatter(
                    **_points(c[:, h]),
                    mode="markers",
                    name=f"{name}: picked",
                    text=words,
                    hoverinfo="text",
                    marker=marker,
                )
            )
        frames.append(go.Frame(name=str(h), data=chosen, traces=list(range(1 + len(d), 1 + 2 * len(d)))))
    figure.add_traces(frames[H // 2].data)
    return _with_slider(figure, frames, H // 2, "row of the map ")


def global_plane(history: Tensor, samples: Sequence[Sample], R: int) -> go.Figure:
    """Each of N images as a point over the R x R knots of the global grid; a slider moves through the training.

    history: (epochs + 1, N, 2) in [-1, 1], the first before training.
    """
    figure = _plane(R, "v<sup>g</sup>, coordinate 1", "v<sup>g</sup>, coordinate 2")
    categories = list(dict.fromkeys(sample.category for sample in samples))
    groups = list(product(categories, (0, 1)))
    members = [[i for i, s in enumerate(samples) if (s.category, s.label) == group] for group in groups]
    frames = [
        go.Frame(name=str(epoch), data=[go.Scatter(**_points(c[chosen].T)) for chosen in members])
        for epoch, c in enumerate(history)
    ]
    for number, ((category, label), chosen) in enumerate(zip(groups, members, strict=True)):
        marker = {
            "symbol": SYMBOLS[number % len(SYMBOLS)],
            "size": 10,
            "color": OKABE_ITO[categories.index(category) % len(OKABE_ITO)],
            "line": {"width": 1, "color": "white"},
        }
        figure.add_scatter(
            **_points(history[-1, chosen].T),
            mode="markers",
            name=f"{category}, {'defective' if label else 'normal'}",
            text=[f"{samples[i].image.name}<br>{category}, {samples[i].defect}" for i in chosen],
            hoverinfo="text",
            marker=marker,
        )
    for frame in frames:
        frame.traces = list(range(1, 1 + len(groups)))
    return _with_slider(figure, frames, len(frames) - 1, "epochs trained ")


def _plane(R: int, first: str, second: str) -> go.Figure:
    """The square [-1, 1] x [-1, 1] with a grid's knots as its lattice."""
    knots = [round(2 * i / (R - 1) - 1, 4) for i in range(R)]
    ends = ["-1", *[""] * (R - 2), "1"]  # labels for all would turn or collide on a telephone
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


def _points(c: Tensor) -> dict[str, list[float]]:
    """Plain numbers to 3 decimals, so that a page stays small; c: (2, ...)."""
    x, y = c.flatten(1).tolist()
    return {"x": [round(value, 3) for value in x], "y": [round(value, 3) for value in y]}


def _with_slider(figure: go.Figure, frames: Sequence[go.Frame], start: int, prefix: str) -> go.Figure:
    """The frames, with a slider that shows each of them at once."""
    figure.frames = frames
    steps = [{"label": frame.name, "method": "animate", "args": [[frame.name], NOW]} for frame in frames]
    slider = {"active": start, "steps": steps, "currentvalue": {"prefix": prefix}, "pad": {"t": 56}}
    figure.update_layout(sliders=[slider])
    return figure
