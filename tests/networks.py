"""A detector with random weights that is small enough for a test, and its figure."""

from pathlib import Path

import torch
from PIL import Image

from gradbook.living.detector import PageDetector
from gradlib.deploy.decoder import Decoder
from gradlib.deploy.detector import Detector
from gradlib.features.backbones import load_backbone
from gradlib.model import GRAD
from gradlib.presets import preset_config

S, H = 64, 4  # sides of the image and of the map


def small_detector() -> Detector:
    """The same at every call."""
    torch.manual_seed(0)
    backbone = load_backbone(pretrained=False)
    model = GRAD(preset_config("lite", (backbone.channels, H, H)))
    return Detector(backbone, model, Decoder(backbone.channels), image_size=S)


def small_figure(folder: Path, detector: Detector | None = None) -> PageDetector:
    """Two uniform images, and a file in place of the network."""
    file = folder / "detector.onnx"
    file.write_bytes(b"not read here")
    greys = {name: Image.new("L", (30, 20), value) for name, value in (("dark", 10), ("bright", 200))}
    return PageDetector(detector or small_detector(), greys, threshold=2.0, file=file)
