"""The choices behind one number, as switches: AUROC of each class and one photograph's map under any combination."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import traitlets

from gradbook.analysis.protocol_switches import SWITCHES, ReadingTable
from gradbook.living.base import LivingFigure, joined, packed
from gradbook.living.photographs import ACROSS, sheet
from gradbook.study.record import Scores
from gradlib.errors import InputError

SIDE = 160  # pixels of the photographs on the page
BEST_EPOCH = {"key": "best_epoch", "words": "report the best epoch on the test images", "released": True}


class Protocol(LivingFigure):
    """Flip the choices that lie between d and an image AUROC; each class's AUROC and one photograph's map follow.

    measured: all combinations, of the run `found`; chosen: rows of it by the words that name them; paths: the
    photographs of the run, in its order; epochs: of recorded runs, the image AUROC after each epoch. Explained in
    {ref}`ch-paper-code`. Raises InputError if there is no photograph or the numbers of photographs differ.
    """

    _esm = joined("protocol_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the classes, then "mean"
    switches = traitlets.List(traitlets.Dict()).tag(sync=True)  # key, words, released
    on = traitlets.List(traitlets.Bool()).tag(sync=True)  # in the order of switches
    values = traitlets.Bytes().tag(sync=True)  # float32, (combinations, names), as the next two
    low = traitlets.Bytes().tag(sync=True)  # of the difference to combination 0
    high = traitlets.Bytes().tag(sync=True)
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)  # name
    ranks = traitlets.Bytes().tag(sync=True)  # float32, (combinations, examples), shares of normals below
    photographs = traitlets.Bytes().tag(sync=True)  # WebP, `across` in a row, each `side` x `side`
    across = traitlets.Int(ACROSS).tag(sync=True)
    side = traitlets.Int(SIDE).tag(sync=True)
    maps = traitlets.Bytes().tag(sync=True)  # float32, (examples, H, W)
    map_size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W
    size = traitlets.Int().tag(sync=True)
    epochs = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)  # last and best of each recorded run
    photograph = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        measured: ReadingTable,
        found: Scores,
        paths: Sequence[Path],
        chosen: Mapping[str, int],
        *,
        epochs: Sequence[Sequence[float]] = (),
        size: int = 224,
    ):
        if not len(paths) == len(found.score) > 0 or not chosen:
            raise InputError(
                f"There are {len(found.score)} scores, {len(paths)} photographs and {len(chosen)} chosen ones: give a "
                f"run's scores, its paths, and at least one row to show."
            )
        rows = list(chosen.values())
        switches = [{"key": s.key, "words": s.label, "released": s.released} for s in SWITCHES]
        super().__init__(
            names=measured.names,
            switches=[*switches, BEST_EPOCH],
            on=[False] * (len(switches) + 1),
            values=packed(measured.value),
            low=packed(measured.low),
            high=packed(measured.high),
            examples=[{"name": name} for name in chosen],
            ranks=packed(np.stack([measured.rank(row, found.category, found.label) for row in rows], axis=1)),
            photographs=sheet([paths[row] for row in rows], SIDE),
            maps=packed(found.d[rows]),
            map_size=list(found.d.shape[1:]),
            size=size,
            epochs=[[run[-1], max(run)] for run in epochs],
            words=(
                f"{len(switches) + 1} switches, each a choice in which the released program differs from the paper or "
                "on which the paper is silent. A table gives the image AUROC of each class under the paper's protocol "
                "and as chosen, with the difference. Below, one photograph beside its map under both."
            ),
        )
