"""The detector in the page: paint on an image, or load one's own, and see the detector's answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import traitlets
from PIL import Image

from gradbook.living.base import LivingFigure, joined, packed
from gradbook.living.image_sheet import as_image, stacked
from gradbook.paths import repository
from gradlib.data.images import squash
from gradlib.deploy.detector import Detector
from gradlib.errors import InputError

RUNTIME = repository() / "book" / "_vendor" / "vendor" / "ort"  # what a page loads in addition to the network


class PageDetector(LivingFigure):
    """The reader paints on images; score, map, coordinates and decoded f^n follow.

    detector: the model; images: by name, all of one size; threshold: of the image score; file: the network that
    `gradlib.deploy.detector.write_detector` wrote as detector.onnx. On the built site the network runs in the page; in
    JupyterLab the Python detector answers. The answers to unpainted images travel with the figure. Explained in
    {ref}`ch-page`. Raises InputError for images of several sizes, none at all, and a missing file.
    """

    _esm = joined("detector_view")
    images = traitlets.Bytes().tag(sync=True)  # one PNG, the images below each other
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)  # count; size S of the network's input; H of the map; R; pictures' side
    answers = traitlets.Bytes().tag(sync=True)  # for each image: score, d and local coordinates
    pictures = traitlets.Bytes().tag(sync=True)  # one PNG, the decoded normal features below each other
    threshold = traitlets.Float().tag(sync=True)
    top = traitlets.Float().tag(sync=True)  # upper end of the map's colours and of the score's bar
    megabytes = traitlets.Int().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)  # whether Python answers if there is a kernel
    selected = traitlets.Int(0).tag(sync=True)  # -1: the reader's own image
    strokes: traitlets.List = traitlets.List().tag(sync=True)  # gradbook.analysis.brush.Stroke as plain objects
    brush_width = traitlets.Float(0.02).tag(sync=True)
    brush_shade = traitlets.Float(-0.4).tag(sync=True)

    def __init__(self, detector: Detector, images: Mapping[str, Image.Image], *, threshold: float, file: Path):
        sizes = {image.size for image in images.values()}
        if len(sizes) != 1:
            raise InputError(f"The images have the sizes {sorted(sizes)}: give one or more, all of one size.")
        if not file.is_file():
            raise InputError(
                f"The network {file} does not exist: write it with gradlib.deploy.detector.write_detector first."
            )
        self.detector = detector
        answers = [detector.answer(torch.from_numpy(squash(image, detector.image_size))) for image in images.values()]
        pictures = [as_image(answer.picture[0]) for answer in answers]
        numbers = [torch.cat([a.score, a.d.flatten(), a.local.flatten()]).numpy() for a in answers]
        downloads = [file, *RUNTIME.glob("*")]
        super().__init__(
            images=stacked(list(images.values())),
            names=list(images),
            shape=detector.shape() | {"count": len(images), "side": pictures[0].width},
            answers=packed(np.concatenate(numbers)),
            pictures=stacked(pictures),
            threshold=threshold,
            top=float(np.ceil(2.5 * threshold)),
            megabytes=round(sum(path.stat().st_size for path in downloads) / 1e6),
            alt=(
                f"A photograph of a solar cell to paint on, one of {len(images)} or the reader's own. Beside it "
                "lies the anomaly map; below are the score on a bar with the threshold, the picture that the detector "
                "expected, and the plane of local coordinates with a dot for each patch."
            ),
        )
        self.on_msg(self._reply)

    def _reply(self, _widget: object, _message: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Answer a question of the page: RGBA bytes (S, S, 4) of a squashed image."""
        S = self.detector.image_size
        try:
            pixels = np.frombuffer(buffers[0], np.uint8).reshape(S, S, 4)[..., :3]
            answer = self.detector.answer(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])
        except (ValueError, IndexError) as error:
            self.send({"error": f"The page did not send {S} x {S} pixels ({error}): reload the page."})
            return
        parts = (answer.score, answer.map, answer.local, answer.picture)
        self.send({"kind": "answer"}, buffers=[packed(part.numpy()) for part in parts])
