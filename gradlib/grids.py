"""Grids: tables of features that can be read between their knots (Eq. 1), and the two that GRAD learns (Eq. 2, 3).

A grid G has one axis per coordinate and its features last: G is (R, K) in 1D, (R, R, K) in 2D, (R, R, R, K) in 3D.
Coordinate number d moves along axis d of G.
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradlib.config import PaddingMode
from gradlib.errors import InputError


def knot_position(c: Tensor, R: int, *, align_corners: bool = True) -> Tensor:
    """Normalise a coordinate to the grid's resolution: the v of Eq. 1, whose integers are the knots 0 ... R-1.

    c: any shape, -1 to 1 spans the grid; v is the same place counted in knots. With align_corners the outermost knots
    lie at -1 and 1, so v is in [0, R-1] as in the paper; without it they lie half a cell inside (v in [-1/2, R-1/2]),
    as in the released code. Explained in {ref}`ch-grid-1d`.
    """
    if align_corners:
        return (c + 1) * (R - 1) / 2
    return ((c + 1) * R - 1) / 2


def interpolate(G: Tensor, v: Tensor, *, padding_mode: PaddingMode = "border") -> Tensor:
    """Read the grid at v: Eq. 1 in D dimensions, the weighted sum of the 2^D knots around v.

    G: (R, ..., R, K) with D grid axes; v: (N, D) in knots; returns (N, K), differentiable in both.
    The lower knot is floor(v) and the upper floor(v) + 1: with Eq. 1's ceil(v) both weights vanish where v is an
    integer. Beyond the outermost knots "border" repeats their value and "zeros" reads 0.
    Equals `torch.nn.functional.grid_sample` in value and gradient, at knots and borders too.
    Raises InputError if the axes do not fit and for another padding mode. Explained in {ref}`ch-grid-1d`.
    """
    *sizes, K = G.shape
    if v.ndim != 2 or v.shape[1] != len(sizes):
        raise InputError(
            f"Coordinates of shape {tuple(v.shape)} do not fit a grid with {len(sizes)} axes: give (N, {len(sizes)})."
        )
    if padding_mode not in ("border", "zeros"):
        raise InputError(
            f'Padding "{padding_mode}" is unknown: choose "border" (the default) or "zeros" (released code).'
        )
    R = torch.tensor(sizes, device=v.device)  # (D,)
    if padding_mode == "border":
        # not torch.clamp: grid_sample lets no gradient through at the border itself, clamp does
        v = torch.where(v <= 0, torch.zeros_like(v), torch.where(v >= R - 1, (R - 1).to(v), v))
    low = v.detach().floor()  # (N, D)
    t = v - low  # (N, D), how far v stands towards the upper knot
    corner = torch.tensor(list(product((0, 1), repeat=len(sizes))), device=v.device)  # (2^D, D)
    index = low.long()[:, None, :] + corner  # (N, 2^D, D)
    weight = torch.where(corner == 1, t[:, None, :], 1 - t[:, None, :]).prod(dim=-1)  # (N, 2^D)
    inside = ((index >= 0) & (index < R)).all(dim=-1)  # (N, 2^D)
    row = torch.zeros_like(inside, dtype=torch.long)
    for axis, size in enumerate(sizes):
        row = row * size + index[..., axis].clamp(0, size - 1)  # (N, 2^D), row of G flattened to (R^D, K)
    if torch.compiler.is_compiling():  # for export: ONNX has no embedding bag, so the same sum in two steps
        return (G.reshape(-1, K)[row] * (weight * inside)[:, :, None]).sum(dim=1)
    # one fused "gather 2^D rows, weigh, add": no (N, 2^D, K) tensor is ever made
    return F.embedding_bag(row, G.reshape(-1, K), mode="sum", per_sample_weights=weight * inside)


class Memory(nn.Module):
    """M stored features: what the grids and the memories of `gradlib.memories` have in common."""

    def stored(self) -> Tensor:
        """The stored features, in the memory's own layout."""
        raise NotImplementedError

    def entry_count(self) -> int:
        """M."""
        raise NotImplementedError

    def stored_parameters(self) -> list[nn.Parameter]:
        """The stored features that gradients train, at their own learning rate; none by default."""
        return []

    @torch.no_grad()
    def start_from(self, features: Tensor) -> None:
        """Start the M stored features from the M rows of `features`, in their order; once, since they are added.

        The random initial values remain, so that two entries with the same feature do not stay the same.
        """
        self.stored().add_(features.reshape(self.stored().shape))


class Grid(Memory):
    """A learnt grid of D axes with R knots of K numbers each, read at coordinates in [-1, 1]; phi(.; G) of Eq. 1.

    Initialised Xavier-normal as in the paper, with the fans of the released (1, K, R, ..., R) layout.
    """

    def __init__(self, D: int, R: int, K: int, *, align_corners: bool = True, padding_mode: PaddingMode = "border"):
        super().__init__()
        if D not in (1, 2, 3) or R < 2:
            raise InputError(f"A grid needs 1, 2 or 3 axes and at least 2 knots on each, not {D} axes of {R} knots.")
        self.R, self.align_corners, self.padding_mode = R, align_corners, padding_mode
        G = torch.empty(1, K, *[R] * D)
        nn.init.xavier_normal_(G)
        self.G = nn.Parameter(G[0].movedim(0, -1).contiguous())  # (R, ..., R, K)

    def stored(self) -> Tensor:
        """The knots (R, ..., R, K)."""
        return self.G

    def entry_count(self) -> int:
        """R^D."""
        return self.G[..., 0].numel()

    def stored_parameters(self) -> list[nn.Parameter]:
        """All knots."""
        return [self.G]

    def forward(self, c: Tensor) -> Tensor:
        """c: (N, D) in [-1, 1] -> (N, K)."""
        return interpolate(
            self.G, knot_position(c, self.R, align_corners=self.align_corners), padding_mode=self.padding_mode
        )


class LocalGrid(Grid):
    """G_l: one feature of C channels for each patch (Eq. 2)."""

    def forward(self, c: Tensor) -> Tensor:
        """c: (B, C_l, H, W) in [-1, 1] -> f^l (B, C, H, W)."""
        B, D, H, W = c.shape
        f = super().forward(c.permute(0, 2, 3, 1).reshape(-1, D))  # (B*H*W, C)
        return f.view(B, H, W, -1).permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory


class GlobalGrid(Grid):
    """G_g: one feature map of C*H*W numbers for each image (Eq. 3); v^g is computed by GlobalCoordinates."""

    def __init__(
        self,
        D: int,
        R: int,
        shape: tuple[int, int, int],
        *,
        align_corners: bool = True,
        padding_mode: PaddingMode = "border",
    ):
        C, H, W = shape
        super().__init__(D, R, C * H * W, align_corners=align_corners, padding_mode=padding_mode)
        self.shape = shape

    def forward(self, c: Tensor) -> Tensor:
        """c: (B, C_g) in [-1, 1] -> f^g (B, C, H, W)."""
        return super().forward(c).view(-1, *self.shape)
