"""Inputs of anomalib's models: its modules, images in memory, GRAD's frozen stages, and a seed."""

import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gradlib.data.images import image_array
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone

BATCH = 16  # images at a time where the result does not depend on it


class Fitted(NamedTuple):
    """A fitted method: standardised images (B, 3, S, S) -> maps (B, S, S) and scores (B,), and its size."""

    predict: Callable[[Tensor], tuple[Tensor, Tensor]]
    parameters: int


def anomalib_module(name: str) -> Any:
    """The module anomalib.`name`, loaded when it is requested. Raises InputError where anomalib is missing."""
    try:
        return importlib.import_module(f"anomalib.{name}")
    except ImportError as error:
        raise InputError(
            f"This method needs anomalib, which cannot be imported ({error}): "
            "`.venv/bin/python -m pip install -r requirements-results.txt -c requirements.lock`."
        ) from error


@dataclass(frozen=True)
class Images:
    """Images as 8-bit numbers in memory; indexing gives them standardised, on the device."""

    pixels: Tensor  # (N, 3, S, S) uint8
    mean: Sequence[float]
    std: Sequence[float]
    device: torch.device

    @classmethod
    def read(
        cls, samples: Sequence[Sample], size: int, mean: Sequence[float], std: Sequence[float], device: torch.device
    ) -> "Images":
        """Read and resize the images as for every method; raises InputError as gradlib.data.images.image_array does."""
        pixels = torch.empty(len(samples), 3, size, size, dtype=torch.uint8)
        for row, sample in enumerate(samples):
            pixels[row] = torch.from_numpy((image_array(sample.image, size, (0, 0, 0), (1, 1, 1)) * 255).round())
        return cls(pixels, mean, std, device)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: Tensor) -> Tensor:
        """The standardised images (n, 3, S, S) float32 of n rows."""
        unit = self.pixels[rows].to(self.device).float() / 255  # (n, 3, S, S)
        mean, std = (torch.tensor(v, device=self.device)[:, None, None] for v in (self.mean, self.std))
        return (unit - mean) / std

    def blocks(self) -> tuple[Tensor, ...]:
        """All rows in order, BATCH at a time."""
        return torch.arange(len(self)).split(BATCH)

    def epoch(self, size: int) -> list[Tensor]:
        """All rows in random order, `size` at a time, without an incomplete last batch unless it is the only one."""
        blocks = torch.randperm(len(self)).split(size)
        return [block for block in blocks if len(block) == len(blocks[0])]


class FrozenStages(nn.Module):
    """A Backbone as anomalib's feature extractor: images -> {stage: map (B, C_i, H_i, W_i)}."""

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> dict[int, Tensor]:
        """The maps by timm's stage number, in anomalib's memory layout."""
        maps = [stage.float().contiguous() for stage in self.backbone(images)]
        return dict(zip(self.backbone.stages, maps, strict=True))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed all random states inside the block and restore them after it: anomalib draws from all of them."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    python_state = random.getstate()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)
