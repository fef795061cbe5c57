"""Choices of the evaluation as switches: each category's AUROC and one image's map under any combination of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import traitlets

from gradbook.analysis.protocol_switches import SWITCHES, ReadingTable
from gradbook.living.base import joined, packed
from gradbook.living.image_sheet import ImageFigure, image_sheet
from gradbook.study.record import Scores
from gradlib.errors import InputError

SIDE = 160  # pixels of the images on the page
BEST_EPOCH = {"key": "best_epoch", "label": "report the best epoch on the test images", "released": True}
SWITCHES_OF_PAGE = [*({"key": s.key, "label": s.label, "released": s.released} for s in SWITCHES), BEST_EPOCH]


class Protocol(ImageFigure):
    """The reader sets the choices between d and an image AUROC; AUROC by category and one image's map follow.

    table: all combinations, evaluated on `scores`; paths: the images of that run, in its order; rows: name -> row, of
    the images that can be shown; epochs: of recorded runs, the image AUROC after each epoch; size: of the maps, in
    pixels. Explained in {ref}`ch-paper-code`. Raises InputError without an image and if their numbers differ.
    """

    _esm = joined("protocol_view")
    switches = traitlets.List(traitlets.Dict()).tag(sync=True)  # key, label, released
    on = traitlets.List(traitlets.Bool()).tag(sync=True)  # in the order of switches
    values = traitlets.Bytes().tag(sync=True)  # float32, (combinations, categories + mean), as the next two
    low = traitlets.Bytes().tag(sync=True)  # of the difference to combination 0
    high = traitlets.Bytes().tag(sync=True)
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)  # names of the images
    ranks = traitlets.Bytes().tag(sync=True)  # float32, (combinations, examples), shares of normals below
    side = traitlets.Int(SIDE).tag(sync=True)  # of an image on the page, in pixels
    maps = traitlets.Bytes().tag(sync=True)  # float32, (examples, H, W)
    epochs = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)  # last and best of each recorded run
    selected = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        table: ReadingTable,
        scores: Scores,
        paths: Sequence[Path],
        rows: Mapping[str, int],
        *,
        epochs: Sequence[Sequence[float]] = (),
        size: int = 224,
    ):
        if not len(paths) == len(scores.score) > 0 or not rows:
            raise InputError(
                f"There are {len(scores.score)} scores, {len(paths)} paths and {len(rows)} rows to show: give the "
                "scores of a run, the path of each, and at least one row."
            )
        numbers = list(rows.values())
        ranks = [table.rank(row, scores.category, scores.label) for row in numbers]  # (readings,) each
        super().__init__(
            names=table.names,
            switches=SWITCHES_OF_PAGE,
            on=[False] * len(SWITCHES_OF_PAGE),
            values=packed(table.value),
            low=packed(table.low),
            high=packed(table.high),
            examples=list(rows),
            ranks=packed(np.stack(ranks, axis=1)),
            images=image_sheet([paths[row] for row in numbers], SIDE),
            maps=packed(scores.d[numbers]),
            map_size=list(scores.d.shape[1:]),
            size=size,
            epochs=[[run[-1], max(run)] for run in epochs],
            alt=(
                f"{len(SWITCHES_OF_PAGE)} switches, each a choice in which the released program differs from the paper "
                "or on which the paper is silent. A table gives the image AUROC of each class under the paper's "
                "protocol and as chosen, with the difference. Below, one photograph beside its map under both."
            ),
        )
