"""The trained detector as one network, from pixels to score, map, coordinates and the decoded normal image.

Normalisation, backbone, GRAD, Eq. 8 and the score are one `forward` here, so that one ONNX file holds the detector and
a page can run it. Explained in {ref}`ch-page`.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gradlib.checkpoint import load_model
from gradlib.data.samples import Dataset
from gradlib.deploy.decoder import Decoder, decoder_of_run, image_size_of
from gradlib.deploy.onnx_file import write_onnx
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, backbone_of_run
from gradlib.model import GRAD
from gradlib.scores import anomaly_map, image_score

WHITE = 255  # pixels go from 0 to WHITE
OUTPUTS = ("score", "map", "d", "local", "global", "picture")  # names of an Answer's parts in the ONNX file


class Answer(NamedTuple):
    """The detector's outputs for B images."""

    score: Tensor  # (B,)
    map: Tensor  # (B, S, S), Eq. 8 at the image's size
    d: Tensor  # (B, H, W)
    local: Tensor  # v^l (B, 2, H, W), in [-1, 1]
    global_: Tensor  # v^g (B, 2), in [-1, 1]
    picture: Tensor  # (B, 3, 8H, 8W) in [0, 1], the normal feature f^n decoded


class Detector(nn.Module):
    """Pixels (B, 3, S, S) from 0 to 255 -> Answer; normalisation is included."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, model: GRAD, decoder: Decoder, *, image_size: int):
        super().__init__()
        self.backbone, self.model, self.decoder, self.image_size = backbone, model, decoder, image_size
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            self.register_buffer(name, WHITE * torch.tensor(values)[:, None, None])  # (3, 1, 1)
        self.eval()

    def forward(self, image: Tensor) -> Answer:
        image = (image - self.mean) / self.std  # (B, 3, S, S)
        x = self.backbone.features(image, self.model.config.map_size[0])  # (B, C, H, W)
        output = self.model(x)
        maps = anomaly_map(output.error, self.image_size)  # (B, S, S)
        picture = self.decoder(output.normal)  # (B, 3, 8H, 8W)
        coordinates = output.local_coordinates, output.global_coordinates
        return Answer(image_score(maps), maps, output.error, *coordinates, picture)

    @torch.inference_mode()
    def answer(self, image: Tensor) -> Answer:
        """`forward` without gradients. Raises InputError for other shapes than (B, 3, S, S)."""
        S = self.image_size
        if image.shape[1:] != (3, S, S):
            raise InputError(
                f"Pixels of shape {tuple(image.shape)} do not fit: give (B, 3, {S}, {S}), as `squash` does."
            )
        return self(image)

    def shape(self) -> dict[str, int]:
        """The sizes: "size" S of the input, "H" of the map, "R" of the local grid."""
        config = self.model.config
        return {"size": self.image_size, "H": config.map_size[0], "R": config.local_resolution}


def detector_of_run(folder: Path | str, dataset: Dataset) -> Detector:
    """The detector of a finished run with one model; dataset: that run's, for the decoder (`decoder_of_run`).

    Raises InputError without such a model, and if its local grid is not two-dimensional.
    """
    model, settings = load_model(folder)
    if (model.config.local_memory, model.config.local_dim) != ("grid", 2):
        raise InputError(f"{folder} has no local grid with two axes, which the page's plane shows: give a GRAD run.")
    decoder = decoder_of_run(folder, dataset)
    return Detector(backbone_of_run(settings), model, decoder, image_size=image_size_of(settings, folder))


def write_detector(detector: Detector, path: Path, *, threshold: float, threshold_from: str) -> Path:
    """Write the detector as an ONNX file for one image at a time, with threshold and preprocessing as metadata.

    threshold: tau of {eq}`eq-threshold`, in the score's unit; threshold_from: a sentence on the scores that it was
    computed from. Returns the path. Raises InputError as `write_onnx` does.
    """
    S = detector.image_size
    metadata: dict[str, Any] = {
        "backbone": detector.backbone.identity(),
        "image_size": S,
        "preprocessing": "RGB, 0 to 255, squashed to a square by Pillow's bilinear filter; the rest is in the graph",
        "threshold": threshold,
        "threshold_from": threshold_from,
    }
    example = torch.linspace(0, WHITE, 3 * S * S).view(1, 3, S, S)
    return write_onnx(detector, [example], path, inputs=["image"], outputs=OUTPUTS, metadata=metadata)
