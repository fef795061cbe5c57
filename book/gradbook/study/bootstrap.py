"""How much a number depends on which test images happened to be taken: a bootstrap over images, paired between runs.

The draws depend on the numbers of normal and anomalous images alone. Two runs on the same images therefore see the same
resamples, and the difference of their replicates is the bootstrap of the paired difference.
"""

import numpy as np
from numpy.typing import ArrayLike

REPLICATES = 400
# between quantiles of a class's pixels, of every fourth row and column; the AUROC from them is within 1e-4 of the exact
BINS = 2_048
LEVEL = 0.95


def resamples(labels: ArrayLike, replicates: int = REPLICATES) -> np.ndarray:
    """(replicates, n): how often each image is drawn, normal and anomalous ones apart, so that both kinds remain.

    The w_b of {eq}`eq-bootstrap`; labels (n,), 0 normal and 1 anomalous.
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
    """(replicates,) image AUROC, exact, of each resample; scores and labels (n,), of both kinds.

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
    """(replicates,) pixel AUROC of each resample of images, from histograms; maps and masks (n, S, S), labels (n,)."""
    edges = np.unique(np.quantile(maps[:, ::4, ::4], np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, maps.reshape(len(maps), -1), side="right")  # (n, S*S)
    flat = masks.reshape(len(maps), -1).astype(bool)
    histograms = [
        np.stack([np.bincount(row[chosen], minlength=len(edges) + 1) for row, chosen in zip(bins, which, strict=True)])
        for which in (~flat, flat)
    ]
    negative, positive = (resamples(labels, replicates) @ histogram for histogram in histograms)  # (replicates, bins)
    below = negative.cumsum(axis=1) - negative / 2  # ties half
    return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1, dtype=np.float64))


def interval(replicates: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval (low, high) of a statistic's replicates (n,) that holds a share `level` of them."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def verdict(low: float, high: float, above: str, below: str, neither: str = "undecided") -> str:
    """What an interval says: `above` where it lies above 0, `below` where it lies below, else `neither`."""
    return above if low > 0 else below if high < 0 else neither
