"""Both coordinate planes of a trained model: images, their patches, and pictures at coordinates between them."""

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
from gradbook.living.image_sheet import as_image, tiled
from gradlib.data.images import read_image
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.grids import Grid
from gradlib.inference import ModelRun

NETWORK = "explorer.onnx"  # among the site's generated files; inputs "local", "free", output "picture"
ACROSS = 32  # images in a row of their sheet
LATTICE = 7  # coordinates on each axis whose pictures are computed beforehand


class Explorer(LivingFigure):
    """The reader selects images and patches in two planes, and sees f^n decoded at a free global coordinate.

    Images are ordered by category, label and score; `order` holds their row numbers among the arguments. Local
    coordinates travel as one byte each, so the page's are within 1/255 of the model's. Explained in {ref}`ch-space`.
    """

    _esm = joined("explorer_view")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    categories = traitlets.List(traitlets.Unicode()).tag(sync=True)
    category_numbers = traitlets.Bytes().tag(sync=True)  # N, uint8
    label = traitlets.Bytes().tag(sync=True)  # N, uint8
    score = traitlets.Bytes().tag(sync=True)  # N, float32
    v_g = traitlets.Bytes().tag(sync=True)  # 2 x N, float32
    v_l = traitlets.Bytes().tag(sync=True)  # N x 2 x H x W, uint8: -1 is 0 and 1 is 255
    d = traitlets.Bytes().tag(sync=True)  # N x H x W, uint8: 255 is d_top
    d_top = traitlets.Float().tag(sync=True)
    d_bright = traitlets.Float().tag(sync=True)  # upper end of the colours: 99 of 100 patches lie below
    size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W
    knots = traitlets.List(traitlets.Int()).tag(sync=True)  # R_l, R_g
    images = traitlets.Bytes().tag(sync=True)  # WebP, `across` in a row
    side = traitlets.Int().tag(sync=True)  # of an image, in pixels
    across = traitlets.Int(ACROSS).tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)  # WebP, LATTICE in a row: of image `first` at `places`
    places = traitlets.Bytes().tag(sync=True)  # 2 x (LATTICE^2 + 1), float32
    network = traitlets.Unicode(NETWORK).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)
    first = traitlets.Int(0).tag(sync=True)  # the image that is selected at the beginning
    patch = traitlets.Int(0).tag(sync=True)
    free = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self, samples: Sequence[Sample], scores: ArrayLike, run: ModelRun, picture: PictureAt,
        *, selected: int = 0, side: int = 64,
    ):  # fmt: skip
        """samples, scores (N,), run: of the same N images; selected: the first to show; side: of an image, in pixels.

        Raises InputError if the arguments do not fit each other.
        """
        values = np.asarray(scores, dtype=np.float32)
        N = len(run.v_g)
        if not (len(samples) == len(values) == len(run.v_l) == N > 0):
            raise InputError(
                f"{len(samples)} samples, {len(values)} scores and coordinates of {N} images do not fit each other: "
                "give as many of each."
            )
        if not 0 <= selected < N:
            raise InputError(f"There is no image number {selected}: select one from 0 to {N - 1}.")
        self.picture, self.order = picture, order_by_category_label_score(samples, values)
        self.run = ModelRun(*(part[self.order] for part in run))
        super().__init__(**self._constants([samples[i] for i in self.order], values[self.order], side))
        first = int(np.flatnonzero(self.order == selected)[0])
        self.selected = self.first = first
        self.patch, self.free = int(self.run.d[first].argmax()), self.run.v_g[first].tolist()
        self._compute_pictures()
        self.on_msg(self._answer)

    def _constants(self, samples: Sequence[Sample], scores: NDArray[np.float32], side: int) -> dict[str, Any]:
        """The traits that never change, for samples and scores in order."""
        v_l, v_g, d = self.run
        d_top = max(float(d.max()), 1e-12)
        categories = list(dict.fromkeys(sample.category for sample in samples))
        thumbnails = [thumbnail(sample, side) for sample in samples]
        grids = (self.picture.G_l, self.picture.G_g)
        return {
            "names": [sample.image.name for sample in samples],
            "categories": categories,
            "category_numbers": bytes(categories.index(sample.category) for sample in samples),
            "label": bytes(sample.label for sample in samples),
            "score": packed(scores),
            "v_g": packed(v_g.T),
            "v_l": in_bytes((v_l + 1) / 2),
            "d": in_bytes(d / d_top),
            "d_top": d_top,
            "d_bright": max(float(np.quantile(d, 0.99)), 1e-12),
            "size": list(d.shape[1:]),
            "knots": [grid.R for grid in grids if isinstance(grid, Grid)],
            "images": tiled(thumbnails, ACROSS, quality=50),
            "side": side,
            "alt": (
                f"Two planes of coordinates. In the first, {len(samples)} photographs of {', '.join(categories)} are "
                "points, and a point that can be dragged asks for a picture of what is normal there. In the second, "
                "the patches of the chosen photograph are points. Sentences give the chosen photograph's and patch's "
                "numbers."
            ),
        }

    def _compute_pictures(self) -> None:
        """Compute the first image's pictures on a lattice and, last, at its own coordinate, for pages that cannot."""
        line = torch.linspace(-1, 1, LATTICE)
        free = torch.cat([torch.cartesian_prod(line, line), torch.tensor([self.free])])  # (LATTICE^2 + 1, 2)
        with torch.inference_mode():
            pictures = self.picture(self.run.v_l[[self.first]].expand(len(free), -1, -1, -1), free)  # (.., 3, 8H, 8W)
        self.pictures = tiled([as_image(picture) for picture in pictures], LATTICE, quality=70)
        self.places = packed(free.T)

    def picture_at(self, number: int, free: Sequence[float]) -> torch.Tensor:
        """The picture (3, 8H, 8W) of image `number`, in the figure's order, at the global coordinate `free`."""
        with torch.inference_mode():
            return self.picture(self.run.v_l[[number]], torch.tensor([free], dtype=torch.float32))[0]

    def _answer(self, _widget: object, question: dict[str, Any], _buffers: object) -> None:
        """Answer {number, selected, free} of a page in JupyterLab by {number, milliseconds} and a float32 picture."""
        began = time.perf_counter()
        picture = self.picture_at(question["selected"], question["free"])
        milliseconds = 1000 * (time.perf_counter() - began)
        self.send({"number": question["number"], "milliseconds": milliseconds}, buffers=[packed(picture)])


def order_by_category_label_score(samples: Sequence[Sample], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Row numbers ordered by category, label and score, (N,)."""
    keys = [(sample.category, sample.label, score) for sample, score in zip(samples, scores.tolist(), strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def thumbnail(sample: Sample, side: int) -> Image.Image:
    """The image in grey, squashed to side x side pixels."""
    return read_image(sample.image).convert("L").resize((side, side), Image.Resampling.BILINEAR)


def in_bytes(values: torch.Tensor) -> bytes:
    """Numbers in [0, 1] as one byte each."""
    return (255 * values).round().clamp(0, 255).byte().numpy().tobytes()
