"""How far a number depends on which images are in the test set: a bootstrap over images, paired between runs.

The draws depend on the numbers of normal and anomalous images alone. Two runs on the same images therefore see the same
resamples, and the differences of their replicates are the replicates of the paired difference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

REPLICATES = 400
# between quantiles of a category's pixels, of every fourth row and column; the AUROC from them is within 1e-4 of the
# exact one
BINS = 2_048
LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """A paired difference in percentage points, with the ends of its 95 % bootstrap interval."""

    difference: float
    low: float
    high: float

    def text(self, digits: int = 2) -> str:
        """The difference and its interval, as every table of the book writes them: "+0.42 (+0.09 to +1.08)"."""
        return f"{self.difference:+.{digits}f} ({self.low:+.{digits}f} to {self.high:+.{digits}f})"

    def verdict(self, above: str, below: str, neither: str = "undecided") -> str:
        """The word for an interval above 0, below 0 or around it, as `verdict` chooses it."""
        return verdict(self.low, self.high, above, below, neither)


def resamples(labels: ArrayLike, replicates: int = REPLICATES) -> np.ndarray:
    """How often each image is drawn, (replicates, n): the w_b of {eq}`eq-bootstrap`.

    labels (n,): 0 normal, 1 anomalous. The two kinds are drawn separately, so that a resample has as many of each.
    """
    labels = np.asarray(labels)
    counts = np.zeros((replicates, len(labels)), np.int64)
    numbers = [int((labels == label).sum()) for label in (0, 1)]
    rng = np.random.default_rng(numbers)
    for label, n in enumerate(numbers):
        if n:
            counts[:, labels == label] = rng.multinomial(n, np.full(n, 1 / n), size=replicates)
    return counts


def image_replicates(scores: ArrayLike, labels: ArrayLike, replicates: int = REPLICATES) -> np.ndarray:
    """Exact image AUROC of each resample, (replicates,); scores and labels (n,), of both kinds.

    Implements {eq}`eq-bootstrap`.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    above = anomalous[:, None] > normal
    ordered = above + 0.5 * (anomalous[:, None] == normal)  # (anomalous, normal), ties half
    counts = resamples(labels, replicates)
    pairs = np.einsum("ba,an,bn->b", counts[:, labels == 1], ordered, counts[:, labels == 0], optimize=True)
    return pairs / ordered.size


def pixel_replicates(
    maps: np.ndarray, masks: np.ndarray, labels: ArrayLike, replicates: int = REPLICATES
) -> np.ndarray:
    """Pixel AUROC of each resample of images, (replicates,), from histograms of `BINS` bins.

    maps and masks (n, S, S), labels (n,).
    """
    edges = np.unique(np.quantile(maps[:, ::4, ::4], np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, maps.reshape(len(maps), -1), side="right")  # (n, S*S)
    anomalous = masks.reshape(len(maps), -1).astype(bool)  # (n, S*S)
    histograms = [
        np.stack([np.bincount(row[pixels], minlength=len(edges) + 1) for row, pixels in zip(bins, kind, strict=True)])
        for kind in (~anomalous, anomalous)
    ]
    negative, positive = (resamples(labels, replicates) @ histogram for histogram in histograms)  # (replicates, bins)
    below = negative.cumsum(axis=1) - negative / 2  # ties half
    return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1, dtype=np.float64))


def interval(replicates: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval (low, high) that holds the share `level` of a statistic's replicates (n,)."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def verdict(low: float, high: float, above: str, below: str, neither: str = "undecided") -> str:
    """The word for an interval: `above` if it lies above 0, `below` if it lies below 0, otherwise `neither`."""
    return above if low > 0 else below if high < 0 else neither
