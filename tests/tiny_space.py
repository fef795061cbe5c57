"""An untrained model, four random images, and the explorer of the model's two planes: small enough for tests."""

from pathlib import Path

import numpy as np
import torch

from conftest import save
from gradbook.analysis.space import PictureAt
from gradbook.living.explorer import Explorer
from gradlib.config import GradConfig
from gradlib.data.samples import Sample
from gradlib.deploy.decoder import Decoder
from gradlib.inference import run_model
from gradlib.model import GRAD

C, H = 6, 4
CONFIG = GradConfig(channels=C, map_size=(H, H), fusion="slim", blocks=1, width=8)
KINDS = (("nut", 1), ("gear", 0), ("nut", 0), ("gear", 0))  # category and label of each image
SCORES = (0.25, 2.0, 3.0, 1.0)


def tiny_samples(folder: Path) -> list[Sample]:
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in KINDS]
    paths = [save(image, folder / f"{number}.png") for number, image in enumerate(images)]
    return [
        Sample(path, category, "test", label, "good", None)
        for path, (category, label) in zip(paths, KINDS, strict=True)
    ]


def tiny_explorer(folder: Path, *, selected: int = 0) -> Explorer:
    """The same at every call, because weights and features come from a seed."""
    torch.manual_seed(0)
    model, decoder = GRAD(CONFIG).eval(), Decoder(C).eval()
    run = run_model(model, torch.randn(len(KINDS), C, H, H))
    return Explorer(tiny_samples(folder), SCORES, run, PictureAt(model, decoder), selected=selected)
