"""What the choices behind one image AUROC do: enlarging, smoothing and pooling as matrices, all combinations measured.

`gradlib.scores` holds the two protocols that runs use. Here each of their choices can be flipped by itself, on maps
that a finished run has left. Explained in {ref}`ch-paper-code`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gradbook.study.bootstrap import image_replicates, interval
from gradbook.study.record import Scores
from gradlib.errors import InputError
from gradlib.metrics.curves import auroc
from gradlib.scores import BOX, POOL_DIVISOR

BLOCK = 128  # maps enlarged at a time


@dataclass(frozen=True)
class Reading:
    """How maps d become image scores and their AUROC; all False is the paper's protocol, as this book reads it."""

    smooth: bool = False  # the mean over a 21 x 21 box of the enlarged map, zeros beyond its border
    score_smoothed: bool = False  # the image score is read from the smoothed map
    small_window: bool = False  # pools over a fourteenth of the map's side instead of a seventh
    unaligned: bool = False  # enlarges without aligned corners
    flip: bool = False  # an AUROC below one half becomes 1 - AUROC


@dataclass(frozen=True)
class Switch:
    """A field of Reading in words, and whether the released code makes that choice."""

    key: str
    words: str
    released: bool


SWITCHES = (
    Switch("smooth", "smooth the maps, box of 21 × 21", True),
    Switch("score_smoothed", "score images from the smoothed maps", True),
    Switch("small_window", "pool over 16 × 16, not 32 × 32", False),
    Switch("unaligned", "enlarge without aligned corners", False),
    Switch("flip", "report an AUROC below ½ as 1 − AUROC", True),
)
RELEASED = Reading(**{switch.key: True for switch in SWITCHES if switch.released})


def readings() -> list[Reading]:
    """All 2^5 combinations; switch number i is on in number n where bit i of n is set."""
    return [Reading(*reversed(bits)) for bits in product((False, True), repeat=len(SWITCHES))]


@cache
def enlarging(n: int, size: int, reading: Reading) -> Tensor:
    """(size, n) float64: one axis of the enlarged and, if so read, smoothed map as a matrix: E, or L E.

    See Eq. {eq}`eq-protocol`.
    """
    E = F.interpolate(torch.eye(n, dtype=torch.float64)[None], size, mode="linear", align_corners=not reading.unaligned)
    if reading.smooth:
        E = F.avg_pool1d(E, BOX, stride=1, padding=BOX // 2, count_include_pad=True)
    return E[0].T.contiguous()  # (size, n)


@cache
def pooling(n: int, size: int, reading: Reading) -> Tensor:
    """(places, n) float64: P, the means over all windows along one axis of the map that is scored.

    See Eq. {eq}`eq-protocol`.
    """
    window = max(size // (2 * POOL_DIVISOR if reading.small_window else POOL_DIVISOR), 1)
    scored = Reading(smooth=reading.smooth and reading.score_smoothed, unaligned=reading.unaligned)
    return F.avg_pool1d(enlarging(n, size, scored).T[None], window, stride=1)[0].T.contiguous()  # (places, n)


def maps(d: Tensor, size: int, reading: Reading) -> Tensor:
    """The anomaly maps (B, size, size) of d (B, H, W)."""
    down, across = (enlarging(n, size, reading).to(d.dtype) for n in d.shape[1:])
    return down @ d @ across.T


def image_scores(d: Tensor, size: int, reading: Reading) -> Tensor:
    """(B,) the largest entry of P d P^T for each map of d (B, H, W) (Eq. {eq}`eq-protocol`)."""
    down, across = (pooling(n, size, reading).to(d.dtype) for n in d.shape[1:])
    return torch.cat([(down @ block @ across.T).amax(dim=(1, 2)) for block in d.split(BLOCK)])


@dataclass(frozen=True)
class Measured:
    """Image AUROC under each of the 2^5 readings, by class and their mean (last column); differences to reading 0."""

    names: list[str]  # the classes, then "mean"
    value: np.ndarray  # (readings, names)
    low: np.ndarray  # (readings, names), the paired 95 % interval of the difference to reading 0
    high: np.ndarray
    score: np.ndarray  # (readings, N)

    def rank(self, row: int, category: np.ndarray, label: np.ndarray) -> np.ndarray:
        """(readings,) the share of the normal photographs of a photograph's class that score below it."""
        peers = (category == category[row]) & (label == 0)
        return (self.score[:, peers] < self.score[:, [row]]).mean(axis=1)


def measure_all(found: Scores, size: int) -> Measured:
    """Every combination of the switches on the maps of a finished run. Raises InputError where a class lacks a kind."""
    names = list(dict.fromkeys(found.category.tolist()))
    for name in names:
        if set(found.label[found.category == name]) != {0, 1}:
            raise InputError(f"Class {name} has no normal or no defective test image: leave it out.")
    d, kept, scores, values, drawn = torch.from_numpy(found.d), {}, [], [], []
    for reading in readings():
        smooth = reading.smooth and reading.score_smoothed
        how = Reading(smooth, smooth, reading.small_window, reading.unaligned)  # all that a score depends on
        if how not in kept:
            score = image_scores(d, size, how).numpy()
            pairs = [(score[found.category == name], found.label[found.category == name]) for name in names]
            exact = np.array([auroc(*pair).value for pair in pairs])
            kept[how] = score, exact, np.stack([image_replicates(*pair) for pair in pairs])
        score, exact, replicates = kept[how]
        scores.append(score)
        values.append(np.maximum(exact, 1 - exact) if reading.flip else exact)
        drawn.append(np.maximum(replicates, 1 - replicates) if reading.flip else replicates)
    value, replicates = with_mean(np.stack(values)), with_mean(np.stack(drawn))  # (readings, names, ...)
    bounds = np.array([[interval(row) for row in rows] for rows in replicates - replicates[0]])  # (readings, names, 2)
    return Measured([*names, "mean"], value, bounds[..., 0], bounds[..., 1], np.stack(scores))


def with_mean(values: np.ndarray) -> np.ndarray:
    """(n, classes, ...) -> (n, classes + 1, ...), the mean over classes appended."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)


def best_epoch_gain(by_epoch: Sequence[float]) -> float:
    """What reporting the best epoch instead of the last one adds: never negative.

    by_epoch: A_e of Eq. {eq}`eq-reported`, (T,).
    """
    return max(by_epoch) - by_epoch[-1]
