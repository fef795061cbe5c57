"""Each lookup against `grid_sample`, the local one on a grid that is repeated for each image."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradbook.bench.released import SampledGrid
from gradbook.bench.timing import Way, alternate, summary
from gradlib.grids import GlobalGrid, Grid, LocalGrid

SHAPES = {"C = 216, 28 x 28": (216, 28, 28), "C = 152, 14 x 14": (152, 14, 14)}
BATCH = 16


def forward(grid: nn.Module, c: Tensor) -> Way:
    """Reading alone."""

    @torch.no_grad()
    def read() -> Tensor:
        return grid(c)

    return read


def with_gradients(grid: nn.Module, c: Tensor) -> Way:
    """Reading, and the gradients of coordinates and knots."""
    inputs: Sequence[Tensor] = [c.clone().requires_grad_(), *grid.parameters()]
    weights = torch.randn_like(grid(c))  # of each number that was read

    def read() -> Sequence[Tensor]:
        return torch.autograd.grad(grid(inputs[0]), inputs, weights)

    return read


def pairs() -> dict[str, tuple[Grid, Tensor, tuple[int, int, int]]]:
    """Each lookup with coordinates that spread over the whole grid."""
    generator, found = torch.Generator().manual_seed(0), {}
    for name, (C, H, W) in SHAPES.items():
        near = torch.rand(BATCH, 2, H, W, generator=generator) * 2 - 1
        whole = torch.rand(BATCH, 2, generator=generator) * 2 - 1
        found[f"local, {name}"] = (LocalGrid(2, 8, C), near, (C, H, W))
        found[f"global, {name}"] = (GlobalGrid(2, 4, (C, H, W)), whole, (C, H, W))
    return found


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of each lookup, ours and `grid_sample`'s, forward and with gradients."""
    found: dict[str, Any] = {"batch": BATCH, "by_lookup": {}}
    passes: dict[str, Callable[[nn.Module, Tensor], Way]] = {"forward": forward, "gradients": with_gradients}
    for name, (grid, c, shape) in pairs().items():
        sampled = SampledGrid(grid, shape)
        found["by_lookup"][name] = {}
        for kind, way in passes.items():
            seconds = alternate({"ours": way(grid, c), "grid_sample": way(sampled, c)}, rounds)
            found["by_lookup"][name][kind] = {who: summary(values) for who, values in seconds.items()}
    return found
