"""Each lookup compared with `grid_sample`, the local one on a grid that is repeated for each image."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradbook.bench.released import SampledGrid
from gradbook.bench.timing import Way, alternate, summary
from gradlib.grids import GlobalGrid, Grid, LocalGrid

SHAPES = {"C = 216, 28 x 28": (216, 28, 28), "C = 152, 14 x 14": (152, 14, 14)}
BATCH = 16


def forward_pass(grid: nn.Module, c: Tensor) -> Way:
    """Read the grid at c."""

    @torch.no_grad()
    def read() -> Tensor:
        return grid(c)

    return read


def both_passes(grid: nn.Module, c: Tensor) -> Way:
    """Read the grid at c, then compute the gradients of coordinates and knots."""
    inputs: Sequence[Tensor] = [c.clone().requires_grad_(), *grid.parameters()]
    upstream = torch.randn_like(grid(c))  # gradient of each value read

    def read() -> Sequence[Tensor]:
        return torch.autograd.grad(grid(inputs[0]), inputs, upstream)

    return read


def lookup_cases() -> dict[str, tuple[Grid, Tensor, tuple[int, int, int]]]:
    """Each lookup by name: a grid, coordinates all over it, and the shape (C, H, W) of what an image reads."""
    generator = torch.Generator().manual_seed(0)
    cases: dict[str, tuple[Grid, Tensor, tuple[int, int, int]]] = {}
    for name, (C, H, W) in SHAPES.items():
        c_l = torch.rand(BATCH, 2, H, W, generator=generator) * 2 - 1
        c_g = torch.rand(BATCH, 2, generator=generator) * 2 - 1
        cases[f"local, {name}"] = (LocalGrid(2, 8, C), c_l, (C, H, W))
        cases[f"global, {name}"] = (GlobalGrid(2, 4, (C, H, W)), c_g, (C, H, W))
    return cases


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: seconds of each lookup, ours and `grid_sample`'s, forward and with gradients."""
    passes: dict[str, Callable[[nn.Module, Tensor], Way]] = {"forward": forward_pass, "gradients": both_passes}
    by_lookup: dict[str, dict[str, Any]] = {}
    for name, (grid, c, shape) in lookup_cases().items():
        sampled = SampledGrid(grid, shape)
        by_lookup[name] = {}
        for kind, prepare in passes.items():
            seconds = alternate({"ours": prepare(grid, c), "grid_sample": prepare(sampled, c)}, rounds)
            by_lookup[name][kind] = {way: summary(values) for way, values in seconds.items()}
    return {"batch": BATCH, "by_lookup": by_lookup}
