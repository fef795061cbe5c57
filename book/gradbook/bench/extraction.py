"""From image files to features: what is slow, and what a second reading of the cache costs."""

import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import torch

from gradbook.bench.timing import alternate, summary
from gradlib.data.images import image_array
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Sample
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.features.cache import cached_features

IMAGES = 64  # of one class: solar cells of 300 x 300 pixels
BACKBONES = {"tf_efficientnet_lite0": (True, 14), "tf_efficientnet_b4": (False, 28)}  # trained weights, H = W


def decode(samples: Sequence[Sample], backbone: Backbone) -> None:
    """Read and resize every photograph, and throw it away."""
    for sample in samples:
        image_array(sample.image, 224, backbone.mean, backbone.std)


def with_backbone(backbone: Backbone, map_size: int, samples: Sequence[Sample], rounds: int) -> dict[str, Any]:
    """Seconds of decoding, of the backbone alone, of both into an empty cache, and of a cache that has them."""
    with tempfile.TemporaryDirectory() as folder:
        numbers, kept = count(), Path(folder) / "kept"
        photographs = torch.randn(IMAGES, 3, 224, 224)

        def miss() -> None:
            cached_features(samples, backbone, map_size=map_size, folder=Path(folder) / str(next(numbers)))

        def hit() -> torch.Tensor:
            return cached_features(samples, backbone, map_size=map_size, folder=kept)[torch.arange(IMAGES)]

        hit()
        ways = {
            "decoding": lambda: decode(samples, backbone),
            "backbone": lambda: [backbone.features(block, map_size) for block in photographs.split(32)],
            "into the cache": miss,
            "out of the cache": hit,
        }
        seconds = alternate(ways, rounds)
        size = sum(file.stat().st_size for file in kept.rglob("*") if file.is_file())
    per_image = {way: summary([s / IMAGES for s in values]) for way, values in seconds.items()}
    return {"map_size": map_size, "seconds": per_image, "bytes": size / IMAGES}


def measure(rounds: int) -> dict[str, Any]:
    """Seconds and bytes of one image for each backbone."""
    samples = load_dataset("elpv").select(split="train", label=0)[:IMAGES]
    found: dict[str, Any] = {"images": len(samples), "by_backbone": {}}
    for name, (pretrained, map_size) in BACKBONES.items():
        backbone = load_backbone(name, pretrained=pretrained)
        found["by_backbone"][name] = with_backbone(backbone, map_size, samples, rounds)
    return found
