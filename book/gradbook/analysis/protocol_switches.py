"""The choices behind an image AUROC: each can be switched by itself, on the maps of a finished run.

`gradlib.scores` has the two protocols that runs use; here upsampling, smoothing and pooling are matrices. Explained in
{ref}`ch-paper-code`.
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

BLOCK = 128  # maps at a time


@dataclass(frozen=True)
class Reading:
    """How maps d become image scores and their AUROC; all False is the paper's protocol, as this book reads it."""

    smooth: bool = False  # upsampled maps are averaged over a 21 x 21 box, with zeros beyond the border
    score_smoothed: bool = False  # the image score is taken from the smoothed map
    small_window: bool = False  # the pooling window is a fourteenth of the map's side instead of a seventh
    unaligned: bool = False  # maps are upsampled without aligned corners
    flip: bool = False  # an AUROC below one half is reported as 1 - AUROC


@dataclass(frozen=True)
class Switch:
    """A field of Reading, its label in tables and figures, and whether the released code sets it."""

    key: str
    label: str
    released: bool


SWITCHES = (
    Switch("smooth", "smooth the maps, box of 21 × 21", True),
    Switch("score_smoothed", "score images from the smoothed maps", True),
    Switch("small_window", "pool over 16 × 16, not 32 × 32", False),
    Switch("unaligned", "enlarge without aligned corners", False),
    Switch("flip", "report an AUROC below ½ as 1 − AUROC", True),
)
RELEASED_READING = Reading(**{switch.key: True for switch in SWITCHES if switch.released})


def all_readings() -> list[Reading]:
    """All 2^5 combinations of switches; reading number n has switch i on if bit i of n is set."""
    return [Reading(*reversed(bits)) for bits in product((False, True), repeat=len(SWITCHES))]


@cache
def upsampling_matrix(n: int, size: int, reading: Reading) -> Tensor:
    """The matrix (size, n), float64, that upsamples one axis of a map (E), smoothed if reading.smooth (L E).

    See Eq. {eq}`eq-protocol`.
    """
    E = F.interpolate(torch.eye(n, dtype=torch.float64)[None], size, mode="linear", align_corners=not reading.unaligned)
    if reading.smooth:
        E = F.avg_pool1d(E, BOX, stride=1, padding=BOX // 2, count_include_pad=True)
    return E[0].T.contiguous()  # (size, n)


@cache
def pooling_matrix(n: int, size: int, reading: Reading) -> Tensor:
    """The matrix P (places, n), float64, of the means over all windows along one axis of the scored map.

    See Eq. {eq}`eq-protocol`.
    """
    window = max(size // (2 * POOL_DIVISOR if reading.small_window else POOL_DIVISOR), 1)
    scored = Reading(smooth=reading.smooth and reading.score_smoothed, unaligned=reading.unaligned)
    return F.avg_pool1d(upsampling_matrix(n, size, scored).T[None], window, stride=1)[0].T.contiguous()  # (places, n)


def anomaly_maps(d: Tensor, size: int, reading: Reading) -> Tensor:
    """The anomaly maps (B, size, size) of d (B, H, W): E d E^T, or L E d (L E)^T."""
    down, across = (upsampling_matrix(n, size, reading).to(d.dtype) for n in d.shape[1:])
    return down @ d @ across.T


def image_scores(d: Tensor, size: int, reading: Reading) -> Tensor:
    """The image scores (B,) of d (B, H, W): the largest entry of P d P^T (Eq. {eq}`eq-protocol`)."""
    down, across = (pooling_matrix(n, size, reading).to(d.dtype) for n in d.shape[1:])
    return torch.cat([(down @ block @ across.T).amax(dim=(1, 2)) for block in d.split(BLOCK)])


@dataclass(frozen=True)
class ReadingTable:
    """Image AUROC under each of the 2^5 readings, by category and on average, and the differences to reading 0."""

    names: list[str]  # the categories, then "mean"
    value: np.ndarray  # (readings, names), in [0, 1]
    low: np.ndarray  # (readings, names), bounds of the paired 95 % interval of the difference to reading 0
    high: np.ndarray
    score: np.ndarray  # (readings, N), image scores

    def rank(self, row: int, category: np.ndarray, label: np.ndarray) -> np.ndarray:
        """Under each reading, the share of normal images of image `row`'s category with a lower score: (readings,).

        category, label: (N,).
        """
        peers = (category == category[row]) & (label == 0)
        return (self.score[:, peers] < self.score[:, [row]]).mean(axis=1)


def evaluate_readings(scores: Scores, size: int) -> ReadingTable:
    """Evaluate every reading on the maps of a finished run; size: side of the upsampled maps, in pixels.

    Raises InputError if a category has no normal or no defective image.
    """
    names = list(dict.fromkeys(scores.category.tolist()))
    members = [scores.category == name for name in names]  # (N,) each
    for name, rows in zip(names, members, strict=True):
        if set(scores.label[rows]) != {0, 1}:
            raise InputError(f"Category {name} has no normal or no defective test image: leave it out.")
    d, results = torch.from_numpy(scores.d), {}
    image_score, aurocs, replicates = [], [], []
    for reading in all_readings():
        smooth = reading.smooth and reading.score_smoothed
        key = Reading(smooth, smooth, reading.small_window, reading.unaligned)  # all that a score depends on
        if key not in results:
            score = image_scores(d, size, key).numpy()  # (N,)
            results[key] = score, *_aurocs([(score[rows], scores.label[rows]) for rows in members])
        score, exact, resampled = results[key]
        image_score.append(score)
        aurocs.append(np.maximum(exact, 1 - exact) if reading.flip else exact)
        replicates.append(np.maximum(resampled, 1 - resampled) if reading.flip else resampled)
    value, replicate = append_mean(np.stack(aurocs)), append_mean(np.stack(replicates))  # (readings, names, ...)
    differences = replicate - replicate[0]
    bounds = np.array([[interval(row) for row in rows] for rows in differences])  # (readings, names, 2)
    return ReadingTable([*names, "mean"], value, bounds[..., 0], bounds[..., 1], np.stack(image_score))


def _aurocs(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The AUROC (categories,) and its bootstrap replicates (categories, replicates) of scores and labels."""
    return np.array([auroc(*pair).value for pair in pairs]), np.stack([image_replicates(*pair) for pair in pairs])


def append_mean(values: np.ndarray) -> np.ndarray:
    """Append the mean over categories: (n, categories, ...) -> (n, categories + 1, ...)."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)


def best_epoch_gain(by_epoch: Sequence[float]) -> float:
    """How much reporting the best epoch instead of the last one adds to a score; never negative.

    by_epoch: A_e of Eq. {eq}`eq-reported`, (T,).
    """
    return max(by_epoch) - by_epoch[-1]
