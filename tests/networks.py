"""A detector with random weights that is small enough for a test."""

import torch

from gradlib.backbones import load_backbone
from gradlib.decoder import Decoder
from gradlib.detector import Detector
from gradlib.model import GRAD
from gradlib.presets import preset_config

S, H = 64, 4  # sides of the photograph and of the map


def small_detector() -> Detector:
    """The same at every call."""
    torch.manual_seed(0)
    backbone = load_backbone(pretrained=False)
    model = GRAD(preset_config("lite", channels=backbone.channels, map_size=(H, H)))
    return Detector(backbone, model, Decoder(backbone.channels), image_size=S)
