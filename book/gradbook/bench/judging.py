"""The judging command on a folder of many photographs: does its memory grow?

Photographs and weights are random and small, so that ten thousand take minutes; memory that grows with their number
would grow for larger ones too.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gradbook.bench.timing import resident_bytes
from gradlib.deploy.decoder import Decoder
from gradlib.deploy.detector import Detector, write_detector
from gradlib.deploy.judge import Judge, Verdict, judge_each, write_page
from gradlib.features.backbones import load_backbone
from gradlib.model import GRAD
from gradlib.presets import preset_config

PHOTOGRAPHS = 10_000
DIFFERENT = 50  # among them; the others are links to these, which take no space on the disk
S, H = 64, 4
MARKS = (100, 1000, 2000, 4000, 6000, 8000, 10_000)  # numbers of photographs after which memory is read


def write_photographs(folder: Path) -> None:
    """PHOTOGRAPHS files of 96 x 96 random pixels."""
    random = np.random.default_rng(0)
    for number in range(DIFFERENT):
        Image.fromarray(random.integers(0, 256, (96, 96, 3), np.uint8)).save(folder / f"{number:05}.png")
    for number in range(DIFFERENT, PHOTOGRAPHS):
        (folder / f"{number:05}.png").hardlink_to(folder / f"{number % DIFFERENT:05}.png")


def write_random_detector(folder: Path) -> Path:
    """The ONNX file of a detector with random weights."""
    torch.manual_seed(0)
    backbone = load_backbone(pretrained=False)
    model = GRAD(preset_config("lite", (backbone.channels, H, H)))
    detector = Detector(backbone, model, Decoder(backbone.channels), image_size=S)
    return write_detector(detector, folder / "detector.onnx", threshold=1.0, threshold_from="nothing")


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: resident bytes after each of MARKS, and photographs a second; always a single round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs = folder / "photographs"
        photographs.mkdir()
        write_photographs(photographs)
        judge, points, verdicts = Judge(write_random_detector(folder)), [], list[Verdict]()
        began = time.perf_counter()
        for verdict in judge_each(judge, photographs, folder / "out"):
            verdicts.append(verdict)
            if len(verdicts) in MARKS:
                points.append({"photographs": len(verdicts), "bytes": resident_bytes()})
        seconds = time.perf_counter() - began
        write_page(verdicts, judge.threshold, folder / "out")
        points.append({"photographs": len(verdicts), "bytes": resident_bytes(), "page": True})
    return {"points": points, "photographs_a_second": PHOTOGRAPHS / seconds, "image_size": S}
