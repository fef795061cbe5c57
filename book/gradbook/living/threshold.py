"""A threshold over the image scores of a run: what is found, missed, or a false alarm, and the masks that follow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import traitlets

from gradbook.living.base import LivingFigure, joined, packed
from gradbook.living.photographs import ACROSS, sheet
from gradbook.study.record import Scores
from gradlib.errors import InputError
from gradlib.scores import anomaly_map, image_score

SIDE = 160  # pixels of the photographs on the page


def examples(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[int, str]:
    """Up to six telling rows and why: of each kind the highest score, the one nearest to the threshold, the lowest.

    Of the normal photographs the median stands for the lowest, which shows nothing. score, label: (n,).
    """
    chosen: dict[int, str] = {}
    for value, kind in ((1, "defective"), (0, "normal")):
        rows = np.flatnonzero(label == value)
        if len(rows) == 0:
            continue
        rows = rows[np.argsort(score[rows], kind="stable")]
        nearest = rows[np.abs(score[rows] - threshold).argmin()]
        last = (rows[0], "lowest score") if value else (rows[len(rows) // 2], "median score")
        for row, why in ((rows[-1], "highest score"), (nearest, "nearest to the start"), last):
            chosen.setdefault(int(row), f"{kind}, {why}")
    return chosen


class Threshold(LivingFigure):
    """Drag the threshold over the histograms; counts, rates and the masks of some photographs follow.

    found: the scores of a finished run; paths: its photographs, in the same order; size, protocol: the run's image size
    and protocol, for the maps. The threshold begins at `start`, or where nine in ten normals pass. Explained in
    {ref}`ch-reading`.
    Raises InputError if there is nothing to show or the numbers of photographs differ.
    """

    _esm = joined("threshold_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the classes
    scores = traitlets.Bytes().tag(sync=True)  # float32, (N,), as the next two
    labels = traitlets.Bytes().tag(sync=True)
    groups = traitlets.Bytes().tag(sync=True)  # the number of each row's class
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)  # row, tile on the sheet, group, why, name
    photographs = traitlets.Bytes().tag(sync=True)  # WebP, `across` in a row, each `side` x `side`
    across = traitlets.Int(ACROSS).tag(sync=True)
    side = traitlets.Int(SIDE).tag(sync=True)
    maps = traitlets.Bytes().tag(sync=True)  # float32, (tiles, H, W)
    map_size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W
    size = traitlets.Int().tag(sync=True)
    protocol = traitlets.Unicode().tag(sync=True)
    from_maps = traitlets.Bool().tag(sync=True)  # False: the method gives image scores of its own
    group = traitlets.Int(-1).tag(sync=True)  # -1: all classes
    threshold = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        found: Scores,
        paths: Sequence[Path],
        *,
        size: int = 224,
        protocol: str = "paper",
        start: float | None = None,
    ):
        if not len(paths) == len(found.score) > 0:
            raise InputError(
                f"There are {len(found.score)} scores and {len(paths)} photographs: give a run's scores and its paths."
            )
        names = list(dict.fromkeys(found.category.tolist()))
        groups = np.array([names.index(category) for category in found.category])  # (N,)
        normal = found.score[found.label == 0]
        if start is None:
            start = float(np.quantile(normal, 0.9)) if len(normal) else float(np.median(found.score))
        told = []  # (row, group, why)
        for group in range(-1 if len(names) > 1 else 0, len(names)):
            rows = np.flatnonzero((groups == group) | (group < 0))
            chosen = examples(found.score[rows], found.label[rows], start)
            told += [(int(rows[row]), group, why) for row, why in chosen.items()]
        tiles = sorted({row for row, _, _ in told})
        d = torch.from_numpy(found.d[tiles])  # (tiles, H, W)
        again = image_score(anomaly_map(d, size, protocol), protocol).numpy()
        super().__init__(
            names=names,
            scores=packed(found.score),
            labels=packed(found.label),
            groups=packed(groups),
            examples=[
                {"row": row, "tile": tiles.index(row), "group": group, "why": why, "name": paths[row].name}
                for row, group, why in told
            ],
            photographs=sheet([paths[row] for row in tiles], SIDE),
            maps=packed(d),
            map_size=list(d.shape[1:]),
            size=size,
            protocol=protocol,
            from_maps=bool(np.allclose(again, found.score[tiles], rtol=1e-3)),
            group=told[0][1],
            threshold=start,
            words=(
                f"Histograms of the image scores of {int((found.label == 0).sum())} normal test photographs, upwards, "
                f"and {int((found.label == 1).sum())} defective ones, downwards and hatched. A threshold can be "
                "dragged; sentences count what is found, missed or a false alarm, and some photographs show which of "
                "their pixels lie above it."
            ),
        )
