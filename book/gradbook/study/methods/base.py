"""What every method of the study takes and returns."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor

from gradbook.study.experiment import Experiment
from gradlib.data.samples import Dataset, Sample
from gradlib.features.backbones import Backbone
from gradlib.standardise import FeatureModel


@dataclass(frozen=True)
class Part:
    """The images of one model: those of all categories (unified) or of one (separate)."""

    name: str
    train: Sequence[Sample]
    test: Sequence[Sample]


@dataclass
class Clock:
    """Seconds spent, by the name of the task."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 2)


@dataclass(frozen=True)
class Job:
    """One experiment on its way: its settings, its data, and what computes it."""

    experiment: Experiment
    dataset: Dataset
    fingerprint: str  # of the data
    backbone: Backbone
    fabric: Fabric
    folder: Path  # where results and checkpoints lie
    clock: Clock = field(default_factory=Clock)

    def checkpoint(self, part: Part) -> Path:
        """The state of a part's training until the whole run has its results."""
        return self.folder / f"checkpoint-{part.name}.safetensors"


@dataclass(frozen=True)
class Scored:
    """Distances and scores of a part's test images, and the size of the model."""

    d: Tensor  # (N, H, W), before any resizing
    score: Tensor | None = None  # (N,) the method's own image scores; None: the protocol's, from the maps
    model: FeatureModel | None = None
    size: dict[str, Any] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    by_epoch: list[float] = field(default_factory=list)  # mean test image AUROC; reported, never used for a choice
    squared_units: int = 0  # number of channels C if d is a feature distance (to divide d^2 by C); 0 for other maps
