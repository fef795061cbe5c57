"""One training step's footprint on the local grid, without coordinate jitter and with it, over many draws."""

from collections.abc import Mapping

import torch
import traitlets
from torch import Tensor

from gradbook.living.base import LivingFigure, joined, packed
from gradlib.config import JitterPer
from gradlib.errors import InputError


class Jitter(LivingFigure):
    """How much of a step each knot gets, as two maps; strength and kind of the jitter can be changed.

    coordinates: (2, H, W) or (2, N) in [-1, 1] by name, local coordinates of some patches; R: knots on each axis of the
    grid; std, fraction, per: see gradlib.coordinates.jitter. Explained in {ref}`ch-jitter`. Raises InputError for
    coordinates of another shape.
    """

    _esm = joined("jitter_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    counts = traitlets.List(traitlets.Int()).tag(sync=True)  # patches of each
    places = traitlets.Bytes().tag(sync=True)  # float32, (sum of counts, 2)
    R = traitlets.Int(8).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    std = traitlets.Float(0.05).tag(sync=True)
    fraction = traitlets.Float(0.5).tag(sync=True)
    per = traitlets.Enum(("pixel", "batch"), "pixel").tag(sync=True)
    draws = traitlets.Int(1).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    inside = traitlets.Enum(("weights", "patches"), "weights").tag(sync=True)

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
                    f'Coordinates "{name}" have shape {tuple(c.shape)}: give (2, H, W), two for each patch.'
                )
        if not coordinates:
            raise InputError("There are no coordinates to draw: give those of one photograph at least.")
        places = [c.detach().cpu().flatten(1).T for c in coordinates.values()]  # each (N, 2)
        super().__init__(
            names=list(coordinates),
            counts=[len(c) for c in places],
            places=packed(torch.cat(places)),
            R=R,
            std=std,
            fraction=fraction,
            per=per,
            words=(
                f"Two maps of the {R} by {R} knots of the local grid: how much weight each knot gets in a training "
                "step without coordinate jitter, and on average over some draws with it. A sentence below counts the "
                "knots that are touched."
            ),
        )
