"""The detector in the page: paint on a photograph, or bring one's own, and see what the network makes of it."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import traitlets
from PIL import Image
from torch import Tensor

from gradbook.living.base import LivingFigure, joined, packed
from gradbook.paths import repository
from gradlib.data.images import squash
from gradlib.deploy.detector import Detector
from gradlib.errors import InputError

RUNTIME = repository() / "book" / "_vendor" / "vendor" / "ort"  # what a page loads beside the network


class PageDetector(LivingFigure):
    """Paint on photographs; score, map, coordinates and decoded f^n follow. Explained in {ref}`ch-page`.

    On the built site the network runs in the page (the file that `gradlib.deploy.detector.write_detector` wrote as
    detector.onnx); in JupyterLab the Python detector answers. Answers of the untouched photographs travel along.
    """

    _esm = joined("detector_view")
    photographs = traitlets.Bytes().tag(sync=True)  # one PNG, the photographs one below the other
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)  # count; size S of the network's input; H of the map; R; pictures' side
    answers = traitlets.Bytes().tag(sync=True)  # for each photograph: score, d and local coordinates
    pictures = traitlets.Bytes().tag(sync=True)  # one PNG, the decoded normal features
    threshold = traitlets.Float().tag(sync=True)
    top = traitlets.Float().tag(sync=True)  # of the map's colours and the score's bar
    megabytes = traitlets.Int().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)  # whether Python answers where there is a kernel
    chosen = traitlets.Int(0).tag(sync=True)  # -1: the reader's own
    strokes: traitlets.List = traitlets.List().tag(sync=True)  # gradbook.analysis.brush.Stroke as plain objects
    brush_width = traitlets.Float(0.02).tag(sync=True)
    brush_shade = traitlets.Float(-0.4).tag(sync=True)

    def __init__(self, detector: Detector, photographs: Mapping[str, Image.Image], *, threshold: float, file: Path):
        sizes = {picture.size for picture in photographs.values()}
        if len(sizes) != 1:
            raise InputError(f"The photographs have the sizes {sorted(sizes)}: give one or more, all of one size.")
        if not file.is_file():
            raise InputError(
                f"The network {file} does not exist: write it by gradlib.deploy.detector.write_detector first."
            )
        self.detector = detector
        answers = [
            detector.answer(torch.from_numpy(squash(picture, detector.image_size))) for picture in photographs.values()
        ]
        pictures = [as_image(answer.picture[0]) for answer in answers]
        numbers = [torch.cat([a.score, a.d.flatten(), a.local.flatten()]).numpy() for a in answers]
        loaded = [file, *RUNTIME.glob("*")]
        super().__init__(
            photographs=stacked(list(photographs.values())),
            names=list(photographs),
            shape=detector.shape() | {"count": len(photographs), "side": pictures[0].width},
            answers=packed(np.concatenate(numbers)),
            pictures=stacked(pictures),
            threshold=threshold,
            top=float(np.ceil(2.5 * threshold)),
            megabytes=round(sum(path.stat().st_size for path in loaded) / 1e6),
            words=(
                f"A photograph of a solar cell to paint on, one of {len(photographs)} or the reader's own. Beside it "
                "lies the anomaly map; below are the score on a bar with the threshold, the picture that the detector "
                "expected, and the plane of local coordinates with a dot for each patch."
            ),
        )
        self.on_msg(self._reply)

    def _reply(self, _widget: object, _message: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Answer a question of the page: RGBA bytes (S, S, 4), squashed already."""
        S = self.detector.image_size
        try:
            pixels = np.frombuffer(buffers[0], np.uint8).reshape(S, S, 4)[..., :3]
            answer = self.detector.answer(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])
        except (ValueError, IndexError) as error:
            self.send({"error": f"The page sent no {S} x {S} pixels ({error}): reload the page."})
            return
        parts = (answer.score, answer.map, answer.local, answer.picture)
        self.send({"kind": "answer"}, buffers=[packed(part.numpy()) for part in parts])


def as_image(picture: Tensor) -> Image.Image:
    """(3, height, width) in [0, 1] as 8 bits."""
    return Image.fromarray((255 * picture).round().byte().permute(1, 2, 0).numpy())


def stacked(pictures: Sequence[Image.Image]) -> bytes:
    """Pictures of one size, one below the other, as one PNG file: lossless."""
    width, height = pictures[0].size
    strip = Image.new(pictures[0].mode, (width, height * len(pictures)))
    for number, picture in enumerate(pictures):
        strip.paste(picture, (0, height * number))
    file = io.BytesIO()
    strip.save(file, "PNG", optimize=True)
    return file.getvalue()
