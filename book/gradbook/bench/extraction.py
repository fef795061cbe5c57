"""From image files to features: seconds of each stage, and of reading the cache a second time."""

import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import torch

from gradbook.bench.timing import alternate, summary
from gradlib.data.images import image_array
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.features.cache import cached_features

IMAGES = 64  # of one category: solar cells of 300 x 300 pixels
BACKBONES = {"tf_efficientnet_lite0": (True, 14), "tf_efficientnet_b4": (False, 28)}  # trained weights, H = W


def decode(dataset: Dataset, backbone: Backbone) -> None:
    """Read and resize every image, and discard it."""
    for sample in dataset:
        image_array(sample.image, 224, backbone.mean, backbone.std)


def measure_backbone(backbone: Backbone, map_size: int, dataset: Dataset, rounds: int) -> dict[str, Any]:
    """Seconds an image of decoding, of the backbone, of both into an empty cache, and of reading a full one."""
    with tempfile.TemporaryDirectory() as folder:
        numbers, full = count(), Path(folder) / "full"
        images = torch.randn(len(dataset), 3, 224, 224)

        def miss() -> None:
            cached_features(dataset, backbone, map_size=map_size, folder=Path(folder) / str(next(numbers)))

        def hit() -> torch.Tensor:
            return cached_features(dataset, backbone, map_size=map_size, folder=full)[torch.arange(len(dataset))]

        hit()
        ways = {
            "decoding": lambda: decode(dataset, backbone),
            "backbone": lambda: [backbone.features(block, map_size) for block in images.split(32)],
            "into the cache": miss,
            "out of the cache": hit,
        }
        seconds = alternate(ways, rounds)
        size = sum(file.stat().st_size for file in full.rglob("*") if file.is_file())
    N = len(dataset)
    per_image = {way: summary([s / N for s in values]) for way, values in seconds.items()}
    return {"map_size": map_size, "seconds": per_image, "bytes": size / N}


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: seconds and bytes an image for each backbone."""
    dataset = load_dataset("elpv").select(split="train", label=0)[:IMAGES]
    by_backbone = {}
    for name, (pretrained, map_size) in BACKBONES.items():
        backbone = load_backbone(name, pretrained=pretrained)
        by_backbone[name] = measure_backbone(backbone, map_size, dataset, rounds)
    return {"images": len(dataset), "by_backbone": by_backbone}
