"""The cost of the models on this machine: time, memory, and latency against the number of training images.

    python -m gradbook.bench.cost

takes a few minutes and writes data/results/cost/cost.json, which the cost chapter reads. Machines are noisy, so the
ways that are compared are measured alternately within one run, and the record holds every round. The models' features
are RANDOM numbers of the right shape: no operation here takes longer for one value than for another. The patches in the
memory banks are real as far as there are images (ELPV) and random beyond; each point of the record says which.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits
from torch import Tensor
from tqdm import tqdm

from gradbook.bench.counts import LITE0_CHANNELS, configurations, count_configuration, training_of, untrained_model
from gradbook.bench.records import RECORD, SCHEMA, seconds_and_origin, write_measured
from gradbook.bench.timing import Way, alternate, peak_bytes, peak_bytes_of, summary
from gradbook.bench.training import our_step, random_features
from gradbook.paths import results_folder
from gradbook.study.methods.knn import ENTRIES
from gradlib.data.readers import load_dataset
from gradlib.features.backbones import load_backbone
from gradlib.features.cache import cached_features

IMAGES = (100, 300, 1000, 3000, 10000)  # N
CAPPED = f"memory, {ENTRIES:,} patches"
SHARES = {"memory, 10 %": 0.1, "memory, 1 %": 0.01}  # of all training patches, as usual for PatchCore
GRAD_NAME = "GRAD lite"


def training_step(name: str, batch: int) -> Way:
    """One step of gradlib's training loop on one batch of random features."""
    return our_step(untrained_model(name), replace(training_of(name), batch_size=batch), "32-true")


def scoring(name: str, batch: int) -> Way:
    """From features to d for one batch."""
    model = untrained_model(name).eval().to(memory_format=torch.channels_last)
    x = random_features(model.config, batch)

    @torch.inference_mode()
    def score() -> Tensor:
        return model(x).error

    return score


def memory_of(name: str, batch: int) -> int:
    """Peak resident bytes of a fresh process that makes two training steps, or none if `name` is "imports".

    Two, because the optimiser allocates its moments in the first.
    """
    return peak_bytes_of("gradbook.bench.cost", "--memory-of", name, "--batch", str(batch))


def print_memory(name: str, batch: int) -> None:
    """Print what `memory_of` reads, after the two training steps."""
    if name != "imports":
        step = training_step(name, batch)
        step()
        step()
    print(peak_bytes())


def measure_models(names: Sequence[str], batch: int, rounds: int) -> dict[str, Any]:
    """Counts, seconds an image and peak memory of each model."""
    # first, while this process is small: a child's peak resident size is never below its parent's
    peaks = {name: memory_of(name, batch) for name in tqdm(("imports", *names), desc="memory")}
    train = alternate({name: training_step(name, batch) for name in names}, rounds)
    score = alternate({name: scoring(name, batch) for name in names}, rounds)
    by_name = {
        name: {
            **asdict(count_configuration(configurations()[name])),
            "train_seconds": summary([s / batch for s in train[name]]),
            "score_seconds": summary([s / batch for s in score[name]]),
            "peak_bytes": peaks[name],
        }
        for name in names
    }
    return {"batch": batch, "features": "random", "imports_bytes": peaks["imports"], "by_name": by_name}


def real_patches(images: int) -> Tensor:
    """Patches (n, 196, C) of up to `images` normal training images of solar cells, in random order."""
    normal = load_dataset("elpv").select(split="train", label=0)
    features = cached_features(normal, load_backbone(), map_size=14)
    order = torch.randperm(len(normal), generator=torch.Generator().manual_seed(0))[:images]
    return features[order].flatten(2).transpose(1, 2)  # (n, 196, C)


def memory_bank(N: int, share: float | None, real: Tensor | None) -> Tensor:
    """Entries (M, C): a random share of the patches of N images, or at most ENTRIES of them where share is None.

    real: patches (n, 196, C) of at least N images; None: random numbers.
    """
    total = N * 196
    entries = min(ENTRIES, total) if share is None else round(share * total)
    generator = torch.Generator().manual_seed(N)
    if real is None:
        return torch.randn(entries, LITE0_CHANNELS, generator=generator)
    return real[:N].flatten(0, 1)[torch.randperm(total, generator=generator)[:entries]]


def nearest_entries(entries: Tensor, x: Tensor) -> Way:
    """The search of gradbook.study.methods.knn: the nearest of the entries (M, C) to each patch of x (1, C, H, W)."""
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(entries.numpy())
    patches = x.flatten(2)[0].T.contiguous().numpy()  # (196, C)
    return lambda: search.kneighbors(patches)


def measure_latency(images: Sequence[int], real: Tensor, rounds: int) -> dict[str, Any]:
    """Seconds from the features of one image to its d, of memory banks and of GRAD for every N of `images`.

    real: patches (n, 196, C). At the largest N that they reach, random patches are measured as well.
    """
    x = random_features(configurations()["lite"], 1)
    ways: dict[str, Way] = {}
    points: list[dict[str, Any]] = []
    memories: dict[str, float | None] = {**SHARES, CAPPED: None}
    last_real = max((N for N in images if len(real) >= N), default=0)
    score = scoring("lite", 1)
    for N in images:
        kinds = (["elpv"] if len(real) >= N else []) + (["random"] if last_real <= N else [])
        ways[str(len(points))] = score
        points.append({"way": GRAD_NAME, "N": N, "features": "random", "entries": None})
        for kind, (name, share) in product(kinds, memories.items()):
            entries = memory_bank(N, share, real if kind == "elpv" else None)
            ways[str(len(points))] = nearest_entries(entries, x)
            points.append({"way": name, "N": N, "features": kind, "entries": len(entries)})
    seconds = alternate(ways, rounds)
    return {"points": [{**point, "seconds": summary(seconds[str(i)])} for i, point in enumerate(points)]}


def backbone_seconds(rounds: int) -> dict[str, Any]:
    """Seconds of the default backbone for one image, which precede every way of `measure_latency`."""
    backbone, image = load_backbone(), torch.zeros(1, 3, 224, 224)
    seconds = alternate({"backbone": lambda: backbone.features(image, 14)}, rounds)["backbone"]
    return {"name": backbone.name, "seconds": summary(seconds)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each way (default: 7)")
    parser.add_argument("--batch", type=int, default=4, help="images in a step (default: 4)")
    parser.add_argument("--threads", type=int, default=1, help="processor cores in use (default: 1)")
    parser.add_argument("--models", nargs="*", default=list(configurations()), help="by name (default: all)")
    parser.add_argument("--images", nargs="*", type=int, default=IMAGES, help="numbers of training images")
    parser.add_argument("--out", type=Path, default=results_folder() / RECORD, help="the record")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        if options.memory_of:
            print_memory(options.memory_of, options.batch)
            return
        began = time.perf_counter()
        models = measure_models(options.models, options.batch, options.rounds)
        latency = measure_latency(options.images, real_patches(max(options.images)), options.rounds)
        record = {
            "cost": SCHEMA,
            "models": models,
            "latency": {**latency, "backbone": backbone_seconds(options.rounds)},
            "rounds": options.rounds,
            "threads": options.threads,
            **seconds_and_origin(began),
        }
    write_measured(options.out, record)
    print(f"{options.out} written after {record['seconds']} s")


if __name__ == "__main__":
    main()
