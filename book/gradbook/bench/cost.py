"""What the models cost on this machine: time, memory, and latency against the number of training images.

    python -m gradbook.bench.cost

takes a few minutes and writes data/results/cost/cost.json, which the cost chapter reads. Machines are noisy, so ways
that are compared take turns within one run, and every round is kept. The models' features are RANDOM numbers of the
right shape: no operation here takes longer for one value than for another. The patches of the memories are real as far
as there are images (ELPV), random beyond, and each point of the record says which.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import torch
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits
from torch import Tensor
from tqdm import tqdm

from gradbook.bench.counts import LITE0_CHANNELS, configurations, counted, model_named, training_named
from gradbook.bench.records import RECORD, SCHEMA
from gradbook.bench.timing import Way, alternate, own_peak, peak_of, summary
from gradbook.bench.training import features, our_step
from gradbook.paths import results_folder
from gradbook.study.methods.knn import ENTRIES
from gradbook.study.provenance import provenance
from gradbook.study.record import write_json
from gradlib.data.readers import load_dataset
from gradlib.features.backbones import load_backbone
from gradlib.features.cache import cached_features

CPU = torch.device("cpu")
IMAGES = (100, 300, 1000, 3000, 10000)  # N
CAPPED = f"memory, {ENTRIES:,} patches"
SHARES = {"memory, 10 %": 0.1, "memory, 1 %": 0.01}  # of all training patches, as PatchCore is usually run
GRAD_NAME = "GRAD lite"


def training_step(name: str, batch: int) -> Way:
    """One step of the training loop that every run of the book uses, on one batch of random features."""
    return our_step(model_named(name), replace(training_named(name), batch_size=batch), "32-true")


def scoring(name: str, batch: int) -> Way:
    """From features to d for one batch."""
    model, x = model_named(name).eval().to(memory_format=torch.channels_last), features(configurations()[name], batch)

    @torch.inference_mode()
    def score() -> Tensor:
        return model(x).error

    return score


def memory_of(name: str, batch: int) -> int:
    """Peak resident bytes of a fresh process that makes two training steps; "imports": of one that makes none.

    Two, because the optimiser allocates its moments in the first.
    """
    return peak_of("gradbook.bench.cost", "--memory-of", name, "--batch", str(batch))


def print_memory(name: str, batch: int) -> None:
    """The other side of `memory_of`."""
    if name != "imports":
        step = training_step(name, batch)
        step()
        step()
    print(own_peak())


def measure_models(names: Sequence[str], batch: int, rounds: int) -> dict[str, Any]:
    """Counts, seconds per image and peak memory of each model."""
    # first, while this process is small: a child's peak resident size is never below its parent's
    peaks = {name: memory_of(name, batch) for name in tqdm(("imports", *names), desc="memory")}
    found: dict[str, Any] = {"batch": batch, "features": "random", "imports_bytes": peaks.pop("imports"), "by_name": {}}
    train = alternate({name: training_step(name, batch) for name in names}, rounds)
    score = alternate({name: scoring(name, batch) for name in names}, rounds)
    for name in names:
        found["by_name"][name] = {
            **asdict(counted(configurations()[name])),
            "train_seconds": summary([s / batch for s in train[name]]),
            "score_seconds": summary([s / batch for s in score[name]]),
            "peak_bytes": peaks[name],
        }
    return found


def real_patches(images: int) -> Tensor:
    """(n, 196, C) patches of up to `images` normal training photographs of solar cells, in a random order."""
    chosen = load_dataset("elpv").select(split="train", label=0)
    features = cached_features(chosen, load_backbone(), map_size=14)
    order = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))[:images]
    return features[order].flatten(2).transpose(1, 2)  # (n, 196, C)


def kept_patches(N: int, share: float | None, real: Tensor | None) -> Tensor:
    """(entries, C): a random choice of the patches of N images; ENTRIES of them where share is None."""
    total = N * 196
    entries = min(ENTRIES, total) if share is None else round(share * total)
    generator = torch.Generator().manual_seed(N)
    if real is None:
        return torch.randn(entries, LITE0_CHANNELS, generator=generator)
    return real[:N].flatten(0, 1)[torch.randperm(total, generator=generator)[:entries]]


def nearest(entries: Tensor, x: Tensor) -> Way:
    """The search of gradbook.study.methods.knn: the exact nearest entry of each patch of x (1, C, H, W)."""
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(entries.numpy())
    patches = x.flatten(2)[0].T.contiguous().numpy()  # (196, C)
    return lambda: search.kneighbors(patches)


def measure_latency(images: Sequence[int], real: Tensor, rounds: int) -> dict[str, Any]:
    """Seconds from the features of one image to its d, for every N; GRAD takes its turn at every N too.

    At the largest N of which there are real patches the memories are measured with random ones as well.
    """
    x = features(configurations()["lite"], 1)
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
            entries = kept_patches(N, share, real if kind == "elpv" else None)
            ways[str(len(points))] = nearest(entries, x)
            points.append({"way": name, "N": N, "features": kind, "entries": len(entries)})
    seconds = alternate(ways, rounds)
    return {"points": [{**point, "seconds": summary(seconds[str(i)])} for i, point in enumerate(points)]}


def backbone_seconds(rounds: int) -> dict[str, Any]:
    """Seconds per image of the default backbone, one image at a time: what comes before any of the ways above."""
    backbone, image = load_backbone(), torch.zeros(1, 3, 224, 224)
    (seconds,) = alternate({"backbone": lambda: backbone.features(image, 14)}, rounds).values()
    return {"name": backbone.name, "seconds": summary(seconds)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each way is measured (default: 7)")
    parser.add_argument("--batch", type=int, default=4, help="images in a step of the models (default: 4)")
    parser.add_argument("--threads", type=int, default=1, help="processor cores in use (default: 1)")
    parser.add_argument("--models", nargs="*", default=list(configurations()), help="by name (default: all)")
    parser.add_argument("--images", nargs="*", type=int, default=IMAGES, help="numbers of training images")
    parser.add_argument("--out", type=Path, default=results_folder() / RECORD, help="the record")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    with threadpool_limits(given.threads):
        if given.memory_of:
            print_memory(given.memory_of, given.batch)
            return
        began = time.perf_counter()
        models = measure_models(given.models, given.batch, given.rounds)
        latency = measure_latency(given.images, real_patches(max(given.images)), given.rounds)
        record = {
            "cost": SCHEMA,
            "models": models,
            "latency": {**latency, "backbone": backbone_seconds(given.rounds)},
            "rounds": given.rounds,
            "threads": given.threads,
            "seconds": round(time.perf_counter() - began),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "provenance": provenance(CPU),
        }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.out, record)
    print(f"{given.out} written after {record['seconds']} s")


if __name__ == "__main__":
    main()
