"""What a CUDA device makes of it: `make gpu-bench`, or python -m benchmarks.gpu

trains `grad` at full size (216 x 28 x 28, batch 64, 100 epochs) on as many features as MVTec AD has training
photographs, all 15 classes in one model, and sends photographs through the backbone. Features and photographs are
RANDOM numbers: this is about time and memory; `make results` measures accuracy. Writes data/results/cost/gpu.json with
the device's name.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradlib.backbones import B4, load_backbone
from gradlib.cost import convolution_flops, counted
from gradlib.errors import InputError
from gradlib.model import GRAD
from gradlib.paths import results_folder
from gradlib.presets import PRESETS
from gradlib.results import peak_memory, provenance, write_json
from gradlib.train import fit, make_fabric

RECORD, SCHEMA = "cost/gpu.json", 1
IMAGES = 3629  # MVTec AD's training photographs
STEP = 3  # forward passes that a step counts as


def seconds_of(work: Callable[[], object], device: torch.device, calls: int = 10) -> float:
    """Seconds of one call, after one that does not count, the device's queue empty before and after."""
    work()
    wait(device)
    began = time.perf_counter()
    for _ in range(calls):
        work()
    wait(device)
    return (time.perf_counter() - began) / calls


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_flops(device: torch.device, batch: int) -> float:
    """FLOP/s of a 3 x 3 convolution of psi's size in bfloat16, forward."""
    C, H, W = 432, 28, 28
    layer = nn.Conv2d(C, C, 3, padding=1, bias=False).to(device, torch.bfloat16, memory_format=torch.channels_last)
    x = torch.randn(batch, C, H, W, device=device, dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        return batch * convolution_flops(3, C, C, H, W) / seconds_of(lambda: layer(x), device)


def train(device: str, images: int, epochs: int, compiled: bool) -> dict[str, Any]:
    """The whole training, and how near to the peak it comes."""
    fabric = make_fabric(device)
    config, training = PRESETS["grad"].model, replace(PRESETS["grad"].training, epochs=epochs)
    features = torch.empty(images, config.channels, *config.map_size)
    for block in features.split(256):
        block.normal_()
    model = GRAD(config)
    if compiled:
        model.psi.compile()
    began = time.perf_counter()
    log = fit(model, features, training, fabric=fabric)
    seconds = time.perf_counter() - began
    flops = STEP * counted(config).flops * images * epochs / seconds
    return {
        "images": images,
        "epochs": epochs,
        "batch": training.batch_size,
        "compiled": compiled,
        "seconds": seconds,
        "images_a_second": images * epochs / seconds,
        "flops_a_second": flops,
        "share_of_peak": flops / peak_flops(fabric.device, training.batch_size),
        "peak_bytes": peak_memory(fabric.device),
        "losses": [log.losses[0], log.losses[-1]],
    }


def extract(device: torch.device, batch: int) -> dict[str, Any]:
    """Photographs a second through the paper's backbone."""
    backbone = load_backbone(B4, pretrained=False).to(device)
    images = torch.randn(batch, 3, 224, 224, device=device)
    return {"batch": batch, "images_a_second": batch / seconds_of(lambda: backbone.features(images, 28), device)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the record; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu for a trial (default: cuda)")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--epochs", type=int, default=PRESETS["grad"].training.epochs)
    parser.add_argument("--batch", type=int, default=64, help="photographs at once in the backbone (default: 64)")
    parser.add_argument("--compiled", action="store_true", help="compile psi first")
    parser.add_argument("--out", type=Path, default=results_folder() / RECORD, help="the record")
    given = parser.parse_args(arguments)
    try:
        device = make_fabric(given.device).device
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    record = {
        "gpu": SCHEMA,
        "features": "random",
        "training": train(given.device, given.images, given.epochs, given.compiled),
        "extraction": extract(device, given.batch),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(device),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.out, record)
    print(f"{given.images} images, {given.epochs} epochs: {record['training']['seconds']:.1f} s; {given.out} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
