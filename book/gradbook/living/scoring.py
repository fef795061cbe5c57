"""From d to the image score: smoothing, pooling window and corners for a few real maps (Section 3.3)."""

from collections.abc import Sequence
from pathlib import Path

import torch
import traitlets
from torch import Tensor

from gradbook.living.base import joined, packed
from gradbook.living.image_sheet import ImageFigure, image_sheet
from gradlib.errors import InputError
from gradlib.scores import POOL_DIVISOR


class Scoring(ImageFigure):
    """The reader moves smoothing and pooling window; the map, the windows' means and the image score follow.

    d: (B, H, W) of B images with these paths and names; size: side of images and maps, in pixels. Explained in
    {ref}`ch-scores`. Raises InputError if the numbers of images differ or a file is damaged.
    """

    _esm = joined("scoring_view")
    d = traitlets.Bytes().tag(sync=True)  # float32, (B, H, W)
    default_window = traitlets.Int().tag(sync=True)  # pixels, of both protocols
    smoothing = traitlets.Int(1).tag(sync=True)  # pixels, odd
    window = traitlets.Int().tag(sync=True)  # pixels
    aligned = traitlets.Bool(True).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)

    def __init__(self, d: Tensor, paths: Sequence[Path], names: Sequence[str], *, size: int = 224):
        if not len(d) == len(paths) == len(names) > 0:
            raise InputError(
                f"There are maps of {len(d)} images, {len(paths)} paths and {len(names)} names: give as many of each."
            )
        window = max(size // POOL_DIVISOR, 1)
        super().__init__(
            names=list(names),
            images=image_sheet(paths, size),
            size=size,
            map_size=list(d.shape[1:]),
            d=packed(d.to(torch.float32)),
            default_window=window,
            window=window,
            alt=(
                f"One of {len(names)} photographs, its anomaly map and the means of all pooling windows, with a frame "
                "around the window of the highest mean. Sliders change the smoothing and the window; a sentence gives "
                "the score, and a table the scores and ranks of all the photographs."
            ),
        )
