"""An independent run of a peer by anomalib's own Engine, data module and metrics, to stand beside the book's.

    python -m gradbook.bench.peers_agreement path/to/mvtec --method padim --category bottle --seeds 0 1 2

What is given to anomalib is what the comparison is about: the images, the backbone with its weights and units, and the
image size. All else is its default, PatchCore's core set of 10 % included (--coreset changes it).
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gradbook.study.methods.anomalib_inputs import anomalib_module, seeded
from gradbook.study.methods.anomalib_peers import PADIM_CHANNELS, fit_and_score
from gradbook.study.provenance import provenance
from gradbook.study.record import write_json
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.metrics.evaluation import measure

METHODS = ("patchcore", "padim")


@dataclass(frozen=True)
class Agreement:
    """Two numbers of one run, and how long it took."""

    image_auroc: float
    pixel_auroc: float
    seconds: float


def library_run(
    method: str, root: Path | str, category: str, backbone: Backbone, seed: int, *, image_size: int = 224,
    coreset: float | None = None,
) -> Agreement:  # fmt: skip
    """One class of MVTec AD by anomalib's Engine on the CPU; raises InputError for a method that is not in METHODS.

    coreset: PatchCore's ratio, by default anomalib's own, 0.1.
    """
    if method not in METHODS:
        raise InputError(f'Method "{method}" has no independent run: choose one of {", ".join(METHODS)}.')
    datamodules = anomalib_module("data")
    began = time.perf_counter()
    with seeded(seed, torch.device("cpu")), tempfile.TemporaryDirectory() as folder:
        module = library_module(method, backbone, image_size, coreset)
        data = datamodules.MVTecAD(root=root, category=category, num_workers=0, seed=seed)
        engine = anomalib_module("engine").Engine(
            default_root_dir=folder,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        engine.fit(model=module, datamodule=data)
        (found,) = engine.test(model=module, datamodule=data, verbose=False)
    return Agreement(found["image_AUROC"], found["pixel_AUROC"], time.perf_counter() - began)


def library_module(method: str, backbone: Backbone, image_size: int, coreset: float | None) -> Any:
    """anomalib's training module with its own feature extractor, into which the backbone's weights are loaded."""
    from torchvision.transforms import v2  # type: ignore[import-untyped]

    library = anomalib_module("models.image")
    units = v2.Normalize(mean=list(backbone.mean), std=list(backbone.std))
    transform = v2.Compose([v2.Resize((image_size, image_size), antialias=True), units])
    given = {
        "backbone": backbone.name,
        "layers": list(backbone.stages),
        "pre_trained": False,
        "pre_processor": anomalib_module("pre_processing").PreProcessor(transform=transform),
        "visualizer": False,
    }
    if method == "padim":
        module = library.Padim(**given, n_features=min(PADIM_CHANNELS, backbone.channels))
    elif coreset is None:
        module = library.Patchcore(**given)
    else:
        module = library.Patchcore(**given, coreset_sampling_ratio=coreset)
    module.model.feature_extractor.feature_extractor.load_state_dict(backbone.net.state_dict())
    return module


def our_run(
    method: str, root: Path | str, category: str, backbone: Backbone, seed: int, *, image_size: int = 224
) -> Agreement:
    """The same class by gradbook.study.methods.anomalib_peers and gradlib's metrics."""
    began = time.perf_counter()
    dataset = load_dataset("mvtec", root, [category])
    train, test = dataset.select(split="train", label=0), dataset.select(split="test")
    device = torch.device("cpu")
    result = fit_and_score(method, train, test, backbone, image_size=image_size, seed=seed, device=device)
    metrics, _ = measure(result.maps, test, image_size, "paper", score=result.score)
    image, pixel = (metrics[category][name].value for name in ("image_auroc", "pixel_auroc"))
    if image is None or pixel is None:
        raise InputError(f"{root} has no defective image with a mask in {category}: give a complete class.")
    return Agreement(image, pixel, time.perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both runs of each seed, one line each."""
    parser = argparse.ArgumentParser(description="A peer by gradlib and by anomalib's own Engine.")
    parser.add_argument("root", type=Path, help="the folder of MVTec AD")
    parser.add_argument("--method", choices=METHODS, default="padim")
    parser.add_argument("--category", default="bottle")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--coreset", type=float, help="anomalib's ratio for PatchCore; its default is 0.1")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers and where they come from")
    given = parser.parse_args(arguments)
    size = given.image_size
    backbone = load_backbone(given.backbone)
    print("run       seed  image AUROC  pixel AUROC  seconds")
    found: dict[str, list[dict[str, float]]] = {"gradlib": [], "anomalib": []}
    for seed in given.seeds:
        what = given.method, given.root, given.category, backbone, seed
        ours = our_run(*what, image_size=size)
        theirs = library_run(*what, image_size=size, coreset=given.coreset)
        for name, run in (("gradlib", ours), ("anomalib", theirs)):
            print(f"{name:8} {seed:5} {run.image_auroc:12.4f} {run.pixel_auroc:12.4f} {run.seconds:8.1f}", flush=True)
            found[name].append({"seed": seed, **asdict(run)})
    if given.out:
        settings = {name: getattr(given, name) for name in ("method", "category", "backbone", "coreset", "image_size")}
        given.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(given.out, {**settings, **found, "provenance": provenance(torch.device("cpu"))})


if __name__ == "__main__":
    main()
