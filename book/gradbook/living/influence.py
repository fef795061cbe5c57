"""What a place of the feature map sees of one photograph, and what a covered patch of it changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import traitlets
from torch import Tensor

from gradbook.analysis.receptive import Field
from gradbook.living.base import LivingFigure, joined
from gradbook.living.photographs import ACROSS, sheet
from gradlib.errors import InputError


class Influence(LivingFigure):
    """Move a point over the photograph: what changes a place of the map, or what a covered patch changes.

    changes: (stages, P, P, H, H) from `gradbook.analysis.receptive.occlusion`, sent as one byte each, the
    square root of the share of the stage's largest; path: of that photograph; names, fields: of each stage;
    map_sizes: its own places along one axis, before they are resized to H. Explained in {ref}`ch-features`. Raises InputError if they do not fit.
    """

    _esm = joined("influence_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    fields = traitlets.List(traitlets.Dict()).tag(sync=True)  # size, stride, centre, places
    photographs = traitlets.Bytes().tag(sync=True)  # WebP
    across = traitlets.Int(ACROSS).tag(sync=True)
    size = traitlets.Int().tag(sync=True)  # S, of the photograph in pixels
    patches = traitlets.Int().tag(sync=True)  # P along one axis
    map_size = traitlets.Int().tag(sync=True)  # H = W
    codes = traitlets.Bytes().tag(sync=True)  # uint8, (stages, P * P, H * H)
    tops = traitlets.List(traitlets.Float()).tag(sync=True)  # the largest change of each stage
    stage = traitlets.Int(0).tag(sync=True)
    way = traitlets.Enum(("look", "cover"), "look").tag(sync=True)
    place = traitlets.List(traitlets.Int()).tag(sync=True)  # row, column of the map
    patch = traitlets.List(traitlets.Int()).tag(sync=True)  # row, column of the patches

    def __init__(
        self,
        changes: Tensor,
        path: Path,
        names: Sequence[str],
        fields: Sequence[Field],
        map_sizes: Sequence[int],
        *,
        size: int = 224,
    ):
        if changes.ndim != 5 or not len(changes) == len(names) == len(fields) == len(map_sizes):
            raise InputError(
                f"Changes of shape {tuple(changes.shape)} do not fit {len(names)} names, {len(fields)} fields and "
                f"{len(map_sizes)} sizes: give (stages, P, P, H, H) and one of each for a stage."
            )
        P, H = changes.shape[1], changes.shape[-1]
        tops = changes.flatten(1).amax(dim=1)  # (stages,)
        shares = changes / tops.clamp_min(1e-12)[:, None, None, None, None]
        places = zip(fields, map_sizes, strict=True)
        super().__init__(
            names=list(names),
            fields=[{**field._asdict(), "places": count} for field, count in places],
            photographs=sheet([path], size),
            size=size,
            patches=P,
            map_size=H,
            codes=(255 * shares.sqrt()).round().numpy().astype(np.uint8).tobytes(),
            tops=tops.tolist(),
            place=[H // 2, H // 2],
            patch=[P // 2, P // 2],
            words=(
                "A photograph with a point that can be moved, beside a map. Either the point is a place of the feature "
                "map, and the map shows which patches of the photograph change it when they are covered; or it is a "
                "covered patch, and the map shows which places change. A dashed square is what the place can see in "
                "theory; a sentence counts what matters."
            ),
        )
