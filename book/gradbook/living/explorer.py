"""Both coordinate planes of a trained model, to be walked through: photographs, patches, and what lies between them."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from gradbook.analysis.space import PictureAt
from gradbook.living.base import LivingFigure, joined, packed
from gradbook.living.photographs import tiled
from gradlib.data.images import read_image
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.grids import Grid
from gradlib.inference import Places

NETWORK = "explorer.onnx"  # among the site's generated files; inputs "local", "free", output "picture"
ACROSS = 32  # photographs in a row of their sheet
PLACES = 7  # on each axis, whose pictures travel with the page


class Explorer(LivingFigure):
    """Choose photographs and patches in the two planes, and see f^n at a free global coordinate. See {ref}`ch-space`.

    Photographs stand in the order of class, label and score, which `order` holds as row numbers of what was given.
    Coordinates of patches travel as one byte each, so the page's are within 1/255 of the model's.
    """

    _esm = joined("explorer_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    number_of_class = traitlets.Bytes().tag(sync=True)  # N, uint8
    label = traitlets.Bytes().tag(sync=True)  # N, uint8
    score = traitlets.Bytes().tag(sync=True)  # N, float32
    v_g = traitlets.Bytes().tag(sync=True)  # 2 x N, float32
    v_l = traitlets.Bytes().tag(sync=True)  # N x 2 x H x W, uint8: -1 is 0 and 1 is 255
    d = traitlets.Bytes().tag(sync=True)  # N x H x W, uint8: 255 is d_top
    d_top = traitlets.Float().tag(sync=True)
    d_bright = traitlets.Float().tag(sync=True)  # where the colours end: 99 of 100 patches lie below
    size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W
    knots = traitlets.List(traitlets.Int()).tag(sync=True)  # R_l, R_g
    photographs = traitlets.Bytes().tag(sync=True)  # one WebP image, ACROSS in a row
    side = traitlets.Int().tag(sync=True)  # of a photograph, in pixels
    across = traitlets.Int(ACROSS).tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)  # one WebP image: of the first choice at `made`
    made = traitlets.Bytes().tag(sync=True)  # 2 x (PLACES^2 + 1), float32
    network = traitlets.Unicode(NETWORK).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    first = traitlets.Int(0).tag(sync=True)  # whose pictures were made beforehand
    patch = traitlets.Int(0).tag(sync=True)
    free = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self, samples: Sequence[Sample], scores: ArrayLike, found: Places, picture: PictureAt,
        *, chosen: int = 0, side: int = 64,
    ):  # fmt: skip
        """samples, scores (N,), found: of the same N images; chosen: which of these to begin with; side: in pixels.

        Raises InputError if these do not fit each other.
        """
        values = np.asarray(scores, dtype=np.float32)
        N = len(found.v_g)
        if not (len(samples) == len(values) == len(found.v_l) == N > 0):
            raise InputError(
                f"{len(samples)} samples, {len(values)} scores and {N} places do not fit: give as many of each."
            )
        if not 0 <= chosen < N:
            raise InputError(f"There is no photograph number {chosen}: choose one of 0 to {N - 1}.")
        self.picture, self.order = picture, by_class_label_score(samples, values)
        self.found = Places(*(part[self.order] for part in found))
        super().__init__(**self._described([samples[i] for i in self.order], values[self.order], side))
        start = int(np.flatnonzero(self.order == chosen)[0])
        self.chosen = self.first = start
        self.patch, self.free = int(self.found.d[start].argmax()), self.found.v_g[start].tolist()
        self._make_pictures()
        self.on_msg(self._answer)

    def _described(self, samples: Sequence[Sample], scores: NDArray[np.float32], side: int) -> dict[str, Any]:
        """What does not change: the photographs and where they lie."""
        v_l, v_g, d = self.found
        d_top = max(float(d.max()), 1e-12)
        classes = list(dict.fromkeys(sample.category for sample in samples))
        photographs = [thumbnail(sample, side) for sample in samples]
        grids = (self.picture.G_l, self.picture.G_g)
        return {
            "names": [sample.image.name for sample in samples],
            "classes": classes,
            "number_of_class": bytes(classes.index(sample.category) for sample in samples),
            "label": bytes(sample.label for sample in samples),
            "score": packed(scores),
            "v_g": packed(v_g.T),
            "v_l": in_bytes((v_l + 1) / 2),
            "d": in_bytes(d / d_top),
            "d_top": d_top,
            "d_bright": max(float(np.quantile(d, 0.99)), 1e-12),
            "size": list(d.shape[1:]),
            "knots": [grid.R for grid in grids if isinstance(grid, Grid)],
            "photographs": tiled(photographs, ACROSS, quality=50),
            "side": side,
            "words": f"Two planes of coordinates. In the first, {len(samples)} photographs of {', '.join(classes)} are "
            "points, and a point that can be dragged asks for a picture of what is normal there. In the second, the "
            "patches of the chosen photograph are points. Sentences give the chosen photograph's and patch's numbers.",
        }  # fmt: skip

    def _make_pictures(self) -> None:
        """Pictures of the first choice at regular places and, last, at its own: for pages that cannot compute them."""
        line = torch.linspace(-1, 1, PLACES)
        free = torch.cat([torch.cartesian_prod(line, line), torch.tensor([self.free])])  # (PLACES^2 + 1, 2)
        with torch.inference_mode():
            made = self.picture(self.found.v_l[[self.first]].expand(len(free), -1, -1, -1), free)  # (..., 3, 8H, 8W)
        pixels = (255 * made).round().byte().permute(0, 2, 3, 1).numpy()
        self.pictures, self.made = tiled([Image.fromarray(one) for one in pixels], PLACES, quality=70), packed(free.T)

    def picture_at(self, number: int, free: Sequence[float]) -> torch.Tensor:
        """The picture (3, 8H, 8W) of photograph `number`, in the figure's order, at the global coordinate `free`."""
        with torch.inference_mode():
            return self.picture(self.found.v_l[[number]], torch.tensor([free], dtype=torch.float32))[0]

    def _answer(self, _widget: object, question: dict[str, Any], _buffers: object) -> None:
        """JupyterLab's page asks for a picture: {number, chosen, free} -> {number, took} and the picture as float32."""
        began = time.perf_counter()
        picture = self.picture_at(question["chosen"], question["free"])
        took = 1000 * (time.perf_counter() - began)
        self.send({"number": question["number"], "took": took}, buffers=[packed(picture)])


def by_class_label_score(samples: Sequence[Sample], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Row numbers in the order of class, label and score, (N,)."""
    keys = [(sample.category, sample.label, score) for sample, score in zip(samples, scores.tolist(), strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def thumbnail(sample: Sample, side: int) -> Image.Image:
    """The photograph in grey, squashed to side x side."""
    return read_image(sample.image).convert("L").resize((side, side), Image.Resampling.BILINEAR)


def in_bytes(values: torch.Tensor) -> bytes:
    """Numbers in [0, 1] as one byte each."""
    return (255 * values).round().clamp(0, 255).byte().numpy().tobytes()
