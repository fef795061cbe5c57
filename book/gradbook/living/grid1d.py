"""A grid with one axis: Eq. 1, its two weights, and the rules at its ends."""

from collections.abc import Sequence

import traitlets

from gradbook.living.base import LivingFigure, joined
from gradlib.config import PaddingMode


class Grid1D(LivingFigure):
    """The reader drags the coordinate or an entry; both weights and the output follow (Eq. 1).

    G: R entries in [0, 1]; c: the coordinate, from -1 to 1 over the grid; align_corners, padding_mode: as in
    `gradlib.grids`. Explained in {ref}`ch-grid-1d`.
    """

    _esm = joined("grid1d_view")
    G = traitlets.List(traitlets.Float()).tag(sync=True)
    c = traitlets.Float(0.1).tag(sync=True)
    align_corners = traitlets.Bool(True).tag(sync=True)
    padding_mode = traitlets.Enum(("border", "zeros"), "border").tag(sync=True)

    def __init__(
        self, G: Sequence[float], *, c: float = 0.1, align_corners: bool = True, padding_mode: PaddingMode = "border"
    ):
        alt = (
            f"A table of {len(G)} entries as blue points and the line that is read between them. An orange point on it "
            "can be dragged; green bars show the weights of the entries beside it, and a sentence gives the sum."
        )
        entries = [float(entry) for entry in G]
        super().__init__(G=entries, c=c, align_corners=align_corners, padding_mode=padding_mode, alt=alt)
