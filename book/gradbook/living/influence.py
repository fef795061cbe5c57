"""What a place of the feature map sees of one image, and what covering a patch of it changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import traitlets
from torch import Tensor

from gradbook.analysis.receptive import Field
from gradbook.living.base import LivingFigure, joined
from gradbook.living.image_sheet import ACROSS, image_sheet
from gradlib.errors import InputError


class Influence(LivingFigure):
    """The reader moves a point over an image: what changes a place of the map, or what a covered patch changes.

    changes: (stages, P, P, H, H) from `gradbook.analysis.receptive.occlusion`; they travel as one byte each, the square
    root of their share of the stage's largest change. path: of that image. names, fields, map_sizes: of each stage its
    name, its receptive field, and its places along one axis before it is resized to H. size: of the image, in pixels.
    Explained in {ref}`ch-features`. Raises InputError if the arguments do not fit each other.
    """

    _esm = joined("influence_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    fields = traitlets.List(traitlets.Dict()).tag(sync=True)  # size, stride, centre, places
    images = traitlets.Bytes().tag(sync=True)  # WebP, one image
    across = traitlets.Int(ACROSS).tag(sync=True)
    size = traitlets.Int().tag(sync=True)  # S, of the image in pixels
    patches = traitlets.Int().tag(sync=True)  # P along one axis
    map_size = traitlets.Int().tag(sync=True)  # H = W
    codes = traitlets.Bytes().tag(sync=True)  # uint8, (stages, P * P, H * H)
    tops = traitlets.List(traitlets.Float()).tag(sync=True)  # the largest change of each stage
    stage = traitlets.Int(0).tag(sync=True)
    mode = traitlets.Enum(("look", "cover"), "look").tag(sync=True)
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
                f"{len(map_sizes)} map sizes: give (stages, P, P, H, H), and one of each for every stage."
            )
        P, H = changes.shape[1], changes.shape[-1]
        tops = changes.flatten(1).amax(dim=1)  # (stages,)
        shares = changes / tops.clamp_min(1e-12)[:, None, None, None, None]
        places = zip(fields, map_sizes, strict=True)
        super().__init__(
            names=list(names),
            fields=[{**field._asdict(), "places": count} for field, count in places],
            images=image_sheet([path], size),
            size=size,
            patches=P,
            map_size=H,
            codes=(255 * shares.sqrt()).round().numpy().astype(np.uint8).tobytes(),
            tops=tops.tolist(),
            place=[H // 2, H // 2],
            patch=[P // 2, P // 2],
            alt=(
                "A photograph with a point that can be moved, beside a map. Either the point is a place of the feature "
                "map, and the map shows which patches of the photograph change it when they are covered; or it is a "
                "covered patch, and the map shows which places change. A dashed square is what the place can see in "
                "theory; a sentence counts what matters."
            ),
        )
