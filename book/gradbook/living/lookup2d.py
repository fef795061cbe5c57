"""The local grid to be read by hand: Eq. 1 along two axes, and the real patches whose features resemble the reading."""

import io

import numpy as np
import torch
import traitlets
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gradbook.living.base import LivingFigure, joined, packed
from gradlib.errors import InputError
from gradlib.grids import LocalGrid

COLUMNS = 16  # of the sprite


def around_patches(photographs: Tensor, map_size: int, side: int) -> Tensor:
    """What surrounds each patch: (B, S, S) -> (B, H, W, side, side), crops around the middles of H x W patches.

    H = W = map_size. At the border the outermost pixels go on. Raises InputError unless map_size divides S.
    """
    S = photographs.shape[-1]
    step = S // map_size
    if step * map_size != S or side < step or (side - step) % 2:
        raise InputError(
            f"A photograph of {S} pixels cannot be cut into {map_size} x {map_size} crops of {side}: choose a map size "
            "that divides it, and crops an even number of pixels larger than a patch."
        )
    padded = F.pad(photographs[:, None], [(side - step) // 2] * 4, mode="replicate")[:, 0]
    return padded.unfold(1, side, step).unfold(2, side, step)


def sprite(pictures: Tensor) -> bytes:
    """Grey pictures (N, side, side) in [0, 1] as one WebP image, COLUMNS in a row."""
    N, side, _ = pictures.shape
    rows = -(-N // COLUMNS)
    sheet = torch.zeros(rows * COLUMNS, side, side)
    sheet[:N] = pictures.clamp(0, 1)
    sheet = sheet.view(rows, COLUMNS, side, side).permute(0, 2, 1, 3).reshape(rows * side, COLUMNS * side)
    file = io.BytesIO()
    Image.fromarray((255 * sheet).round().numpy().astype(np.uint8)).save(file, "WEBP", quality=90, method=6)
    return file.getvalue()


class Lookup2D(LivingFigure):
    """Drag c over the local grid; the four weights and the patches with the nearest features follow (Eq. 2).

    grid: C_l = 2 axes; places: (N, 2) local coordinates of the bank's patches; patches: (N, side, side) in [0, 1], what
    they look like. align_corners and padding_mode are the reader's, `learnt` keeps the grid's own, under which the bank
    is read. Explained in {ref}`ch-local`. Raises InputError if the three do not fit.
    """

    _esm = joined("lookup2d_view")
    G = traitlets.Bytes().tag(sync=True)  # float32, (R, R, C)
    R = traitlets.Int().tag(sync=True)
    places = traitlets.Bytes().tag(sync=True)  # float32, (N, 2)
    sprite = traitlets.Bytes().tag(sync=True)  # WebP
    columns = traitlets.Int(COLUMNS).tag(sync=True)
    c = traitlets.List(traitlets.Float()).tag(sync=True)
    learnt = traitlets.Dict().tag(sync=True)
    align_corners = traitlets.Bool().tag(sync=True)
    padding_mode = traitlets.Enum(("border", "zeros")).tag(sync=True)

    def __init__(self, grid: LocalGrid, places: Tensor, patches: Tensor, *, c: tuple[float, float] = (0.0, 0.0)):
        if grid.G.ndim != 3:
            raise InputError(f"The grid has {grid.G.ndim - 1} axes: the figure draws a local grid with 2.")
        N = len(places)
        if N == 0 or places.shape != (N, 2) or patches.ndim != 3 or len(patches) != N:
            raise InputError(
                f"Places {tuple(places.shape)} and patches {tuple(patches.shape)} do not fit: give (N, 2), N pictures."
            )
        rules = {"align_corners": grid.align_corners, "padding_mode": grid.padding_mode}
        super().__init__(
            G=packed(grid.G.detach().cpu()),
            R=grid.R,
            places=packed(places.detach().cpu()),
            sprite=sprite(patches),
            c=list(c),
            learnt=rules,
            words=(
                f"The square of local coordinates with {grid.R} by {grid.R} knots and {N} faint dots, where real "
                "patches lie. An orange point can be dragged over it; green discs show the weights of the four knots "
                "around it. Beside it are the patches whose features are nearest to the one that is read, with their "
                "distances."
            ),
            **rules,
        )
