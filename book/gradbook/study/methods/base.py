"""What every method gives and takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gradbook.study.methods.uniad import UniAD
from gradlib.data.samples import Sample
from gradlib.model import GRAD


@dataclass(frozen=True)
class Part:
    """One model's share of an experiment: all classes (unified) or one (separate)."""

    name: str
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]


@dataclass(frozen=True)
class Scored:
    """What a method says of a part's test images, and how large it is."""

    d: Tensor  # (N, H, W), before any resizing
    score: Tensor | None = None  # (N,) the method's own image scores; None: the protocol's, from the maps
    model: GRAD | UniAD | None = None
    size: dict[str, Any] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    by_epoch: list[float] = field(default_factory=list)  # mean image AUROC on the test images; looked at, never used
    squared_units: int = 0  # channels under d, which then is a distance between features; 0: something else


@dataclass
class Clock:
    """Seconds by name of what was done."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 2)
