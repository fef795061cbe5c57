"""The footprint of a training step on the local grid, without and with coordinate jitter, over many draws."""

from collections.abc import Mapping

import torch
import traitlets
from torch import Tensor

from gradbook.living.base import LivingFigure, joined, packed
from gradlib.config import JitterPer
from gradlib.errors import InputError


class Jitter(LivingFigure):
    """Two maps of the weight of each knot in a step; the reader changes strength and kind of the jitter.

    coordinates: name -> local coordinates (2, H, W) or (2, N) of some patches, in [-1, 1]; R: knots on each axis of the
    grid; std, fraction, per: as in `gradlib.coordinates.jitter`. Explained in {ref}`ch-jitter`. Raises InputError for
    coordinates of another shape, or none.
    """

    _esm = joined("jitter_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    counts = traitlets.List(traitlets.Int()).tag(sync=True)  # patches of each
    places = traitlets.Bytes().tag(sync=True)  # float32, (sum of counts, 2)
    R = traitlets.Int(8).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)
    std = traitlets.Float(0.05).tag(sync=True)
    fraction = traitlets.Float(0.5).tag(sync=True)
    per = traitlets.Enum(("pixel", "batch"), "pixel").tag(sync=True)
    draws = traitlets.Int(1).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    display = traitlets.Enum(("weights", "patches"), "weights").tag(sync=True)

    def __init__(
        self,
        coordinates: Mapping[str, Tensor],
        *,
        R: int = 8,
        std: float = 0.05,
        fraction: float = 0.5,
        per: JitterPer = "pixel",
    ):
        for name, c in coordinates.items():
            if c.ndim < 2 or len(c) != 2 or c.numel() == 0:
                raise InputError(
                    f'The coordinates "{name}" have shape {tuple(c.shape)}: give (2, H, W), two for each patch.'
                )
        if not coordinates:
            raise InputError("There are no coordinates to draw: give those of at least one image.")
        places = [c.detach().cpu().flatten(1).T for c in coordinates.values()]  # each (N, 2)
        super().__init__(
            names=list(coordinates),
            counts=[len(c) for c in places],
            places=packed(torch.cat(places)),
            R=R,
            std=std,
            fraction=fraction,
            per=per,
            alt=(
                f"Two maps of the {R} by {R} knots of the local grid: how much weight each knot gets in a training "
                "step without coordinate jitter, and on average over some draws with it. A sentence below counts the "
                "knots that are touched."
            ),
        )
