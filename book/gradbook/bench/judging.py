"""A folder of many photographs through the judging command: is memory flat?

Photographs and weights are drawn at random, and small, so that ten thousand take minutes; what grows with their number
would grow for larger ones too.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gradbook.bench.timing import resident
from gradlib.deploy.decoder import Decoder
from gradlib.deploy.detector import Detector, write_detector
from gradlib.deploy.judge import Judge, Verdict, judge_each, write_page
from gradlib.features.backbones import load_backbone
from gradlib.model import GRAD
from gradlib.presets import preset_config

PHOTOGRAPHS = 10_000
S, H = 64, 4
MARKS = (100, 1000, 2000, 4000, 6000, 8000, 10_000)


def draw(folder: Path) -> None:
    """PHOTOGRAPHS files, the same few pictures again and again: links cost no disk."""
    random = np.random.default_rng(0)
    for number in range(50):
        Image.fromarray(random.integers(0, 256, (96, 96, 3), np.uint8)).save(folder / f"{number:05}.png")
    for number in range(50, PHOTOGRAPHS):
        (folder / f"{number:05}.png").hardlink_to(folder / f"{number % 50:05}.png")


def detector_file(folder: Path) -> Path:
    torch.manual_seed(0)
    backbone = load_backbone(pretrained=False)
    model = GRAD(preset_config("lite", (backbone.channels, H, H)))
    detector = Detector(backbone, model, Decoder(backbone.channels), image_size=S)
    return write_detector(detector, folder / "detector.onnx", threshold=1.0, threshold_from="nothing")


def measure(rounds: int) -> dict[str, Any]:
    """Resident bytes after so many photographs, and photographs a second; one pass, however many rounds."""
    with tempfile.TemporaryDirectory() as place:
        photographs, out = Path(place) / "photographs", Path(place) / "out"
        photographs.mkdir()
        draw(photographs)
        judge, points, verdicts = Judge(detector_file(Path(place))), [], list[Verdict]()
        began = time.perf_counter()
        for verdict in judge_each(judge, photographs, out):
            verdicts.append(verdict)
            if len(verdicts) in MARKS:
                points.append({"photographs": len(verdicts), "bytes": resident()})
        seconds = time.perf_counter() - began
        write_page(verdicts, judge.threshold, out)
        points.append({"photographs": len(verdicts), "bytes": resident(), "page": True})
    return {"points": points, "photographs_a_second": PHOTOGRAPHS / seconds, "image_size": S}
