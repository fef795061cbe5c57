"""An independent run of a baseline by anomalib's own Engine, data module and metrics, for comparison with the book's.

    python -m gradbook.bench.peers_agreement path/to/mvtec --method padim --category bottle --seeds 0 1 2

Both runs have the same images, image size, and backbone with its weights and normalisation. Everything else is
anomalib's default, such as PatchCore's core set of 10 % (--coreset changes it).
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torchvision.transforms import v2

from gradbook.bench.records import write_measured
from gradbook.bench.timing import CPU
from gradbook.study.methods.anomalib_inputs import anomalib_module, seeded
from gradbook.study.methods.anomalib_peers import PADIM_CHANNELS, fit_and_score
from gradbook.study.provenance import provenance
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.metrics.evaluation import measure

METHODS = ("patchcore", "padim")


@dataclass(frozen=True)
class Result:
    """Two metrics of one run, and its seconds."""

    image_auroc: float
    pixel_auroc: float
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """What both runs have in common. Raises InputError for a method that is not in METHODS."""

    method: str
    root: Path | str  # MVTec AD's folder
    category: str
    backbone: Backbone
    image_size: int = 224

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f'Method "{self.method}" has no independent run: choose one of {", ".join(METHODS)}.')

    def run_by_anomalib(self, seed: int, coreset: float | None = None) -> Result:
        """anomalib's Engine on the CPU; coreset: PatchCore's ratio, by default anomalib's own, 0.1."""
        datamodules = anomalib_module("data")
        began = time.perf_counter()
        with seeded(seed, CPU), tempfile.TemporaryDirectory() as folder:
            module = self.anomalib_model(coreset)
            data = datamodules.MVTecAD(root=self.root, category=self.category, num_workers=0, seed=seed)
            engine = anomalib_module("engine").Engine(
                default_root_dir=folder,
                accelerator="cpu",
                devices=1,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            engine.fit(model=module, datamodule=data)
            (metrics,) = engine.test(model=module, datamodule=data, verbose=False)
        return Result(metrics["image_AUROC"], metrics["pixel_AUROC"], time.perf_counter() - began)

    def anomalib_model(self, coreset: float | None) -> Any:
        """anomalib's training module with its own feature extractor, which gets the weights of our backbone."""
        library, backbone = anomalib_module("models.image"), self.backbone
        normalise = v2.Normalize(mean=list(backbone.mean), std=list(backbone.std))
        transform = v2.Compose([v2.Resize((self.image_size, self.image_size), antialias=True), normalise])
        settings: dict[str, Any] = {
            "backbone": backbone.name,
            "layers": list(backbone.stages),
            "pre_trained": False,
            "pre_processor": anomalib_module("pre_processing").PreProcessor(transform=transform),
            "visualizer": False,
        }
        if self.method == "padim":
            module = library.Padim(**settings, n_features=min(PADIM_CHANNELS, backbone.channels))
        elif coreset is None:
            module = library.Patchcore(**settings)
        else:
            module = library.Patchcore(**settings, coreset_sampling_ratio=coreset)
        module.model.feature_extractor.feature_extractor.load_state_dict(backbone.net.state_dict())
        return module

    def run_by_gradlib(self, seed: int) -> Result:
        """The book's own fit, with gradlib's metrics. Raises InputError if the category has no image with a mask."""
        began = time.perf_counter()
        dataset = load_dataset("mvtec", self.root, [self.category])
        train, test = dataset.select(split="train", label=0), dataset.select(split="test")
        size = self.image_size
        result = fit_and_score(self.method, train, test, self.backbone, image_size=size, seed=seed, device=CPU)
        metrics, _ = measure(result.maps, test, size, "paper", score=result.score)
        image, pixel = (metrics[self.category][name].value for name in ("image_auroc", "pixel_auroc"))
        if image is None or pixel is None:
            raise InputError(
                f"{self.root} has no anomalous image with a mask in {self.category}: give a complete category."
            )
        return Result(image, pixel, time.perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both runs of each seed, one line each."""
    parser = argparse.ArgumentParser(description="A baseline by gradlib and by anomalib's own Engine.")
    parser.add_argument("root", type=Path, help="the folder of MVTec AD")
    parser.add_argument("--method", choices=METHODS, default="padim")
    parser.add_argument("--category", default="bottle")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--coreset", type=float, help="anomalib's ratio for PatchCore; its default is 0.1")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--out", type=Path, help="a JSON file for the results and their provenance")
    options = parser.parse_args(arguments)
    backbone = load_backbone(options.backbone)
    comparison = Comparison(options.method, options.root, options.category, backbone, options.image_size)
    print("run       seed  image AUROC  pixel AUROC  seconds")
    results: dict[str, list[dict[str, float]]] = {"gradlib": [], "anomalib": []}
    for seed in options.seeds:
        runs = {
            "gradlib": comparison.run_by_gradlib(seed),
            "anomalib": comparison.run_by_anomalib(seed, options.coreset),
        }
        for name, run in runs.items():
            print(f"{name:8} {seed:5} {run.image_auroc:12.4f} {run.pixel_auroc:12.4f} {run.seconds:8.1f}", flush=True)
            results[name].append({"seed": seed, **asdict(run)})
    if options.out:
        names = ("method", "category", "backbone", "coreset", "image_size")
        settings = {name: getattr(options, name) for name in names}
        write_measured(options.out, {**settings, **results, "provenance": provenance(CPU)})


if __name__ == "__main__":
    main()
