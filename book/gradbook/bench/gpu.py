"""Measurements on a CUDA device: `make gpu-bench`, or python -m gradbook.bench.gpu

1. a training step, the released way and ours measured alternately, with the same psi and batch;
2. `grad` trained at full size (216 x 28 x 28, batch 64, 100 epochs) on as many features as MVTec AD has training
   images, all 15 categories in one model;
3. images through the backbone;
4. where GRAD_MVTEC (or --mvtec) names MVTec AD's folder: a model trained on its categories, and its accuracy.

Parts 1 to 3 measure time and memory, so their features and images are RANDOM numbers. Writes
data/results/cost/gpu.json with the device's name after each part; the page on speed shows it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gradbook.bench.counts import count_configuration
from gradbook.bench.records import timestamp, write_measured
from gradbook.bench.released import released_step
from gradbook.bench.tables import GPU, GPU_SCHEMA
from gradbook.bench.timing import alternate, quartiles, summary
from gradbook.bench.training import BATCH, PASSES, our_step, peak_flops, with_compiled_psi
from gradbook.paths import results_folder
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradbook.study.provenance import peak_memory, provenance
from gradbook.study.record import read_results
from gradlib.data.readers import data_root
from gradlib.errors import InputError
from gradlib.fabric import make_fabric
from gradlib.features.backbones import B4, load_backbone
from gradlib.model import GRAD
from gradlib.presets import PRESETS
from gradlib.train import fit

IMAGES = 3629  # MVTec AD's training images


def measure_steps(device: str, psi: Sequence[str], rounds: int, compiled: bool) -> dict[str, Any]:
    """Seconds of a step for each psi, the released way and ours; compiled: and ours with compiled psi."""
    seconds_by_psi = {}
    for name in psi:
        config, training = PRESETS[name].model, replace(PRESETS[name].training, batch_size=BATCH)
        ways = {
            "released way": released_step(config, training, device=device),
            "ours": our_step(GRAD(config), training, "auto", device=device),
        }
        if compiled:
            ways["ours, compiled"] = our_step(with_compiled_psi(GRAD(config)), training, "auto", device=device)
        seconds_by_psi[name] = {way: summary(seconds) for way, seconds in alternate(ways, rounds).items()}
    return seconds_by_psi


def measure_training(device: str, images: int, epochs: int, rounds: int, compiled: bool) -> dict[str, Any]:
    """Seconds, memory and losses of a complete training, and its share of the device's peak FLOP/s."""
    fabric = make_fabric(device)
    config, training = PRESETS["grad"].model, replace(PRESETS["grad"].training, epochs=epochs)
    features = torch.empty(images, config.channels, *config.map_size)
    for block in features.split(256):
        block.normal_()
    model = with_compiled_psi(GRAD(config)) if compiled else GRAD(config)
    began = time.perf_counter()
    log = fit(model, features, training, fabric=fabric)
    seconds = time.perf_counter() - began
    flops = PASSES * count_configuration(config).flops * images * epochs / seconds
    memory = peak_memory(fabric.device)
    peak = peak_flops(torch.bfloat16, rounds, batch=training.batch_size, device=fabric.device)
    return {
        "images": images,
        "epochs": epochs,
        "batch": training.batch_size,
        "compiled": compiled,
        "seconds": seconds,
        "images_a_second": images * epochs / seconds,
        "flops_a_second": flops,
        "share_of_peak": flops / peak,
        "peak_bytes": memory,
        "losses": [log.losses[0], log.losses[-1]],
    }


def measure_extraction(device: torch.device, batch: int, rounds: int) -> dict[str, Any]:
    """Images a second through the paper's backbone."""
    backbone = load_backbone(B4, pretrained=False).to(device)
    images = torch.randn(batch, 3, 224, 224, device=device)
    seconds = alternate({"backbone": lambda: backbone.features(images, 28)}, rounds, device)["backbone"]
    return {"batch": batch, "images_a_second": batch / quartiles(seconds)[1]}


def measure_accuracy(device: str, experiment: Experiment, root: str) -> dict[str, Any]:
    """Metrics and seconds of one run on real images; root: their folder."""
    record = read_results(run(experiment, data_root=root, device=device))
    return {name: record[name] for name in ("experiment", "mean", "seconds", "peak_memory", "provenance")}


def command_line() -> argparse.ArgumentParser:
    """The parser of the command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu for a trial (default: cuda)")
    parser.add_argument("--psi", nargs="+", default=["crad", "grad"], choices=list(PRESETS), help="of part 1")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each way in parts 1 to 3 (default: 7)")
    parser.add_argument("--images", type=int, default=IMAGES, help=f"of part 2 (default: {IMAGES})")
    parser.add_argument("--epochs", type=int, default=PRESETS["grad"].training.epochs, help="of parts 2 and 4")
    parser.add_argument("--compiled", action="store_true", help="compile psi: one more way in part 1, and in part 2")
    parser.add_argument("--batch", type=int, default=64, help="images at a time in the backbone (default: 64)")
    parser.add_argument("--mvtec", default=data_root("mvtec") or "", help="MVTec AD's folder (default: GRAD_MVTEC)")
    parser.add_argument("--categories", default="", help="of part 4, separated by commas (default: all in the folder)")
    parser.add_argument("--backbone", default=B4, help=f"of part 4 (default: {B4})")
    parser.add_argument("--preset", default="grad", choices=list(PRESETS), help="of part 4 (default: grad)")
    parser.add_argument("--out", type=Path, default=results_folder() / GPU, help="the record")
    return parser


def parts(options: argparse.Namespace, device: torch.device) -> dict[str, Callable[[], object]]:
    """The measurements by their names in the record. Raises InputError for unknown settings of part 4."""
    experiment = Experiment(
        dataset="mvtec",
        categories=tuple(name.strip() for name in options.categories.split(",") if name.strip()),
        backbone=options.backbone,
        preset=options.preset,
        epochs=options.epochs,
    )
    name, rounds, compiled = options.device, options.rounds, options.compiled
    random: dict[str, Callable[[], object]] = {
        "steps": lambda: measure_steps(name, options.psi, rounds, compiled),
        "training": lambda: measure_training(name, options.images, options.epochs, rounds, compiled),
        "extraction": lambda: measure_extraction(device, options.batch, rounds),
    }
    if not options.mvtec:
        return random
    return {**random, "accuracy": lambda: measure_accuracy(name, experiment, options.mvtec)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, writing the record after each part; returns the exit status."""
    options = command_line().parse_args(arguments)
    try:
        device = make_fabric(options.device).device
        record: dict[str, Any] = {
            "gpu": GPU_SCHEMA,
            "random": ["steps", "training", "extraction"],
            "provenance": provenance(device),
        }
        for name, measure in parts(options, device).items():
            record[name] = measure()
            record["finished"] = timestamp()
            write_measured(options.out, record)
            print(f"{name}: {options.out} written")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
