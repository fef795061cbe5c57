"""A threshold on the image scores of a run: detections, misses and false alarms, and the masks that follow."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import traitlets

from gradbook.living.base import joined, packed
from gradbook.living.image_sheet import ImageFigure, image_sheet
from gradbook.study.record import Scores
from gradlib.errors import InputError
from gradlib.scores import anomaly_map, image_score

SIDE = 160  # pixels of the images on the page
ALL = -1  # the number that stands for all categories
PASSING = 0.9  # share of the normal images below the first threshold


class Example(NamedTuple):
    """An image that is shown with a category's histograms, and why it was selected."""

    row: int
    category: int  # ALL: with those of all categories
    reason: str


def telling_rows(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[int, str]:
    """Up to six rows and why each is shown: for both labels the highest, the nearest to the threshold and the lowest.

    Of the normal images the median is shown instead of the lowest, whose map is empty. score, label: (n,).
    """
    reasons: dict[int, str] = {}
    for value, name in ((1, "defective"), (0, "normal")):
        rows = np.flatnonzero(label == value)
        if len(rows) == 0:
            continue
        rows = rows[np.argsort(score[rows], kind="stable")]
        nearest = rows[np.abs(score[rows] - threshold).argmin()]
        last = (rows[0], "lowest score") if value else (rows[len(rows) // 2], "median score")
        for row, reason in ((rows[-1], "highest score"), (nearest, "nearest to the start"), last):
            reasons.setdefault(int(row), f"{name}, {reason}")
    return reasons


def examples_of(scores: Scores, categories: np.ndarray, threshold: float) -> list[Example]:
    """The telling rows among all images, if there are several categories, and in each category.

    categories: (N,), the number of each image's category, from 0.
    """
    several = categories.max() > 0
    examples = []
    for category in range(ALL if several else 0, categories.max() + 1):
        rows = np.flatnonzero((categories == category) | (category == ALL))
        reasons = telling_rows(scores.score[rows], scores.label[rows], threshold)
        examples += [Example(int(rows[row]), category, reason) for row, reason in reasons.items()]
    return examples


def first_threshold(scores: Scores) -> float:
    """The threshold below which PASSING of the normal images lie; without normal images, the median of all scores."""
    normal = scores.score[scores.label == 0]
    return float(np.quantile(normal, PASSING)) if len(normal) else float(np.median(scores.score))


class Threshold(ImageFigure):
    """The reader drags the threshold over histograms; counts, rates and the masks of some images follow.

    scores: of a finished run; paths: of its images, in the same order; size, protocol: the run's image size in pixels
    and its protocol; start: the first threshold, by default that of `first_threshold`. Explained in {ref}`ch-reading`.
    Raises InputError without an image and if their numbers differ.
    """

    _esm = joined("threshold_view")
    scores = traitlets.Bytes().tag(sync=True)  # float32, (N,), as the next two
    labels = traitlets.Bytes().tag(sync=True)
    categories = traitlets.Bytes().tag(sync=True)  # the number of each image's category in `names`
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)  # row, tile on the sheet, category, reason, name
    side = traitlets.Int(SIDE).tag(sync=True)  # of an image on the page, in pixels
    maps = traitlets.Bytes().tag(sync=True)  # float32, (tiles, H, W)
    protocol = traitlets.Unicode().tag(sync=True)
    from_maps = traitlets.Bool().tag(sync=True)  # False: the method's image scores are not those of its maps
    category = traitlets.Int(ALL).tag(sync=True)
    threshold = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        scores: Scores,
        paths: Sequence[Path],
        *,
        size: int = 224,
        protocol: str = "paper",
        start: float | None = None,
    ):
        if not len(paths) == len(scores.score) > 0:
            raise InputError(
                f"There are {len(scores.score)} scores and {len(paths)} paths: give a run's scores and one path each."
            )
        names = list(dict.fromkeys(scores.category.tolist()))
        categories = np.array([names.index(name) for name in scores.category])  # (N,)
        start = first_threshold(scores) if start is None else start
        examples = examples_of(scores, categories, start)
        tiles = sorted({example.row for example in examples})
        d = torch.from_numpy(scores.d[tiles])  # (tiles, H, W)
        of_maps = image_score(anomaly_map(d, size, protocol), protocol).numpy()  # (tiles,)
        super().__init__(
            names=names,
            scores=packed(scores.score),
            labels=packed(scores.label),
            categories=packed(categories),
            examples=[{**e._asdict(), "tile": tiles.index(e.row), "name": paths[e.row].name} for e in examples],
            images=image_sheet([paths[row] for row in tiles], SIDE),
            maps=packed(d),
            map_size=list(d.shape[1:]),
            size=size,
            protocol=protocol,
            from_maps=bool(np.allclose(of_maps, scores.score[tiles], rtol=1e-3)),
            category=examples[0].category,
            threshold=start,
            alt=alternative_text(scores),
        )


def alternative_text(scores: Scores) -> str:
    """The figure's text alternative."""
    normal, defective = (int((scores.label == label).sum()) for label in (0, 1))
    return (
        f"Histograms of the image scores of {normal} normal test photographs, upwards, and {defective} defective ones, "
        "downwards and hatched. A threshold can be dragged; sentences count what is found, missed or a false alarm, "
        "and some photographs show which of their pixels lie above it."
    )
