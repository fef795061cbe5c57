"""From d to the image score by hand: smoothing, pooling window and corners of a few real maps (Section 3.3)."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from gradlib.errors import InputError
from gradlib.scores import POOL_DIVISOR
from gradlib.widgets.base import LivingFigure, joined, packed
from gradlib.widgets.photographs import ACROSS, sheet


def scored(d: Tensor, size: int, *, smoothing: int = 1, window: int, aligned: bool = True) -> tuple[Tensor, Tensor]:
    """The anomaly map and the image score under other choices than the protocols make: (B, H, W) -> (B, S, S), (B,).

    smoothing: side of the averaged box in pixels, odd, zeros beyond the border counted; 1 is none. window: side of the
    pool. aligned: whether corner centres of d and of the map coincide. `scored(d, 224, window=32)` is
    `gradlib.scores.image_score` under "paper", with smoothing=21 under "official".
    Raises InputError for an even smoothing and for a window that does not fit.
    """
    if smoothing % 2 == 0 or not 1 <= window <= size:
        raise InputError(
            f"Smoothing {smoothing} and window {window} do not fit a map of {size}: give an odd box, and 1 to {size}."
        )
    maps = F.interpolate(d[:, None], (size, size), mode="bilinear", align_corners=aligned)  # (B, 1, S, S)
    maps = F.avg_pool2d(maps, (smoothing, 1), stride=1, padding=(smoothing // 2, 0))  # (B, 1, S, S)
    maps = F.avg_pool2d(maps, (1, smoothing), stride=1, padding=(0, smoothing // 2))  # (B, 1, S, S)
    means = F.avg_pool2d(F.avg_pool2d(maps, (window, 1), stride=1), (1, window), stride=1)  # (B, 1, S-w+1, S-w+1)
    return maps[:, 0], means.amax(dim=(1, 2, 3))


class Scoring(LivingFigure):
    """Move the smoothing and the pooling window; the map, the windows' means and the image score follow.

    d: (B, H, W) of B photographs, whose paths and names are given; size: side of photographs and maps. Explained in
    {ref}`ch-scores`. Raises InputError if the numbers of photographs differ or a file is damaged.
    """

    _esm = joined("scoring_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    photographs = traitlets.Bytes().tag(sync=True)  # WebP, `across` in a row
    across = traitlets.Int(ACROSS).tag(sync=True)
    size = traitlets.Int().tag(sync=True)
    map_size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W
    d = traitlets.Bytes().tag(sync=True)  # float32, (B, H, W)
    usual = traitlets.Int().tag(sync=True)  # the protocols' window
    smoothing = traitlets.Int(1).tag(sync=True)  # pixels, odd
    window = traitlets.Int().tag(sync=True)  # pixels
    aligned = traitlets.Bool(True).tag(sync=True)
    photograph = traitlets.Int(0).tag(sync=True)

    def __init__(self, d: Tensor, paths: Sequence[Path], names: Sequence[str], *, size: int = 224):
        if not len(d) == len(paths) == len(names) > 0:
            raise InputError(
                f"There are maps of {len(d)} photographs, {len(paths)} paths and {len(names)} names: give as many each."
            )
        usual = max(size // POOL_DIVISOR, 1)
        super().__init__(
            names=list(names),
            photographs=sheet(paths, size),
            size=size,
            map_size=list(d.shape[1:]),
            d=packed(d.to(torch.float32)),
            usual=usual,
            window=usual,
            words=(
                f"One of {len(names)} photographs, its anomaly map and the means of all pooling windows, with a frame "
                "around the window of the highest mean. Sliders change the smoothing and the window; a sentence gives "
                "the score, and a table the scores and ranks of all the photographs."
            ),
        )
