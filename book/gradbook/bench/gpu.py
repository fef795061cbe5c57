"""What a CUDA device makes of it: `make gpu-bench`, or python -m gradbook.bench.gpu

1. a training step, the released way and ours in turns, same psi, same batch;
2. `grad` trained at full size (216 x 28 x 28, batch 64, 100 epochs) on as many features as MVTec AD has training
   photographs, all 15 classes in one model;
3. photographs through the backbone;
4. where GRAD_MVTEC (or --mvtec) names MVTec AD's folder: its classes trained in earnest, and their accuracy.

In 1 to 3 features and photographs are RANDOM numbers, as those are about time and memory. Writes
data/results/cost/gpu.json with the device's name, part by part; the page on speed shows it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from gradbook.bench.counts import counted
from gradbook.bench.released import released_step
from gradbook.bench.tables import GPU, GPU_SCHEMA
from gradbook.bench.timing import alternate, summary
from gradbook.bench.training import BATCH, PASSES, convolution, our_step
from gradbook.paths import results_folder
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradbook.study.provenance import peak_memory, provenance
from gradbook.study.record import read_results, write_json
from gradlib.errors import InputError
from gradlib.features.backbones import B4, load_backbone
from gradlib.model import GRAD
from gradlib.presets import PRESETS
from gradlib.train import fit, make_fabric

IMAGES = 3629  # MVTec AD's training photographs


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
    """FLOP/s of a convolution of psi's size in bfloat16."""
    way, operations = convolution(torch.bfloat16, batch, device)
    return operations / seconds_of(way, device)


def steps(device: str, psi: Sequence[str], rounds: int, compiled: bool) -> dict[str, Any]:
    """Seconds of a step for each psi, the released way and ours taking turns; compiled: with psi compiled as well."""
    found = {}
    for name in psi:
        config, training = PRESETS[name].model, replace(PRESETS[name].training, batch_size=BATCH)
        ways = {
            "released way": released_step(config, training, device=device),
            "ours": our_step(GRAD(config), training, "auto", device=device),
        }
        if compiled:
            ways["ours, compiled"] = our_step(GRAD(config), training, "auto", device=device, compiled=True)
        found[name] = {way: summary(seconds) for way, seconds in alternate(ways, rounds).items()}
    return found


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
    flops = PASSES * counted(config).flops * images * epochs / seconds
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


def accuracy(device: str, experiment: Experiment, root: str) -> dict[str, Any]:
    """Real classes in one model: the metrics over the test images, and the seconds."""
    record = read_results(run(experiment, data_root=root, device=device))
    return {name: record[name] for name in ("experiment", "mean", "seconds", "peak_memory", "provenance")}


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu for a trial (default: cuda)")
    parser.add_argument("--psi", nargs="+", default=["crad", "grad"], choices=list(PRESETS), help="of part 1")
    parser.add_argument("--rounds", type=int, default=7, help="how often each way of part 1 is measured (default: 7)")
    parser.add_argument("--images", type=int, default=IMAGES, help=f"of part 2 (default: {IMAGES})")
    parser.add_argument("--epochs", type=int, default=PRESETS["grad"].training.epochs, help="of parts 2 and 4")
    parser.add_argument("--compiled", action="store_true", help="psi compiled: one more way in part 1, and in part 2")
    parser.add_argument("--batch", type=int, default=64, help="photographs at once in the backbone (default: 64)")
    parser.add_argument("--mvtec", default=os.environ.get("GRAD_MVTEC", ""), help="MVTec AD's folder (default: none)")
    parser.add_argument("--classes", default="", help="of part 4, with commas between (default: all that are there)")
    parser.add_argument("--backbone", default=B4, help=f"of part 4 (default: {B4})")
    parser.add_argument("--preset", default="grad", choices=list(PRESETS), help="of part 4 (default: grad)")
    parser.add_argument("--out", type=Path, default=results_folder() / GPU, help="the record")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the record, part by part; returns the exit status."""
    given = options().parse_args(arguments)
    try:
        device = make_fabric(given.device).device
        experiment = Experiment(
            dataset="mvtec",
            categories=tuple(name.strip() for name in given.classes.split(",") if name.strip()),
            backbone=given.backbone,
            preset=given.preset,
            epochs=given.epochs,
        )
        parts: dict[str, Callable[[], object]] = {
            "steps": lambda: steps(given.device, given.psi, given.rounds, given.compiled),
            "training": lambda: train(given.device, given.images, given.epochs, given.compiled),
            "extraction": lambda: extract(device, given.batch),
        }
        if given.mvtec:
            parts["accuracy"] = lambda: accuracy(given.device, experiment, given.mvtec)
        record: dict[str, Any] = {
            "gpu": GPU_SCHEMA,
            "random": ["steps", "training", "extraction"],
            "provenance": provenance(device),
        }
        given.out.parent.mkdir(parents=True, exist_ok=True)
        for name, measure in parts.items():
            record[name] = measure()
            record["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(given.out, record)
            print(f"{name}: {given.out} written")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
