"""The local grid: Eq. 1 along two axes, and the real patches with the nearest features."""

import numpy as np
import traitlets
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gradbook.living.base import LivingFigure, joined, packed
from gradbook.living.image_sheet import tiled
from gradlib.errors import InputError
from gradlib.grids import LocalGrid

COLUMNS = 16  # patches in a row of their sheet


def crops_around_patches(images: Tensor, map_size: int, side: int) -> Tensor:
    """Crops of side x side pixels centred at each of H x W patches: (B, S, S) -> (B, H, W, side, side).

    H = W = map_size. Beyond the border the outermost pixels are repeated. Raises InputError unless map_size divides S
    and side is a patch's side plus an even number.
    """
    S = images.shape[-1]
    step = S // map_size
    if step * map_size != S or side < step or (side - step) % 2:
        raise InputError(
            f"An image of {S} pixels cannot be cut into {map_size} x {map_size} crops of {side} pixels: choose a map "
            "size that divides it, and crops an even number of pixels larger than a patch."
        )
    padded = F.pad(images[:, None], [(side - step) // 2] * 4, mode="replicate")[:, 0]
    return padded.unfold(1, side, step).unfold(2, side, step)


def patch_sheet(patches: Tensor) -> bytes:
    """Grey patches (N, side, side) in [0, 1] as one WebP file, COLUMNS in a row, the last row filled up with black."""
    N, side, _ = patches.shape
    pixels = (255 * patches.clamp(0, 1)).round().numpy().astype(np.uint8)  # (N, side, side)
    black = np.zeros((-N % COLUMNS, side, side), np.uint8)
    return tiled([Image.fromarray(patch) for patch in (*pixels, *black)], COLUMNS, quality=90)


class Lookup2D(LivingFigure):
    """The reader drags c over the local grid; four weights and the patches with the nearest features follow (Eq. 2).

    grid: with C_l = 2 axes; places: local coordinates (N, 2) of a bank of patches; patches: (N, side, side) in [0, 1],
    their images. The reader may change align_corners and padding_mode; `grid_rules` are the grid's own, under which the
    bank's features are read. Explained in {ref}`ch-local`. Raises InputError if the arguments do not fit each other.
    """

    _esm = joined("lookup2d_view")
    G = traitlets.Bytes().tag(sync=True)  # float32, (R, R, C)
    R = traitlets.Int().tag(sync=True)
    places = traitlets.Bytes().tag(sync=True)  # float32, (N, 2)
    patches = traitlets.Bytes().tag(sync=True)  # WebP, `columns` in a row
    columns = traitlets.Int(COLUMNS).tag(sync=True)
    c = traitlets.List(traitlets.Float()).tag(sync=True)
    grid_rules = traitlets.Dict().tag(sync=True)
    align_corners = traitlets.Bool().tag(sync=True)
    padding_mode = traitlets.Enum(("border", "zeros")).tag(sync=True)

    def __init__(self, grid: LocalGrid, places: Tensor, patches: Tensor, *, c: tuple[float, float] = (0.0, 0.0)):
        if grid.G.ndim != 3:
            raise InputError(f"The grid has {grid.G.ndim - 1} axes: give a local grid with 2.")
        N = len(places)
        if N == 0 or places.shape != (N, 2) or patches.ndim != 3 or len(patches) != N:
            raise InputError(
                f"Places {tuple(places.shape)} and patches {tuple(patches.shape)} do not fit each other: give (N, 2) "
                "and (N, side, side)."
            )
        rules = {"align_corners": grid.align_corners, "padding_mode": grid.padding_mode}
        super().__init__(
            G=packed(grid.G.detach().cpu()),
            R=grid.R,
            places=packed(places.detach().cpu()),
            patches=patch_sheet(patches),
            c=list(c),
            grid_rules=rules,
            alt=(
                f"The square of local coordinates with {grid.R} by {grid.R} knots and {N} faint dots, where real "
                "patches lie. An orange point can be dragged over it; green discs show the weights of the four knots "
                "around it. Beside it are the patches whose features are nearest to the one that is read, with their "
                "distances."
            ),
            **rules,
        )
