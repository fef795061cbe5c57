"""The basis of all metrics: checked arrays, scores sorted by label, and a result that may be undefined.

Normal and anomalous scores are sorted separately and in their own type, instead of one argsort over both: no index
array of 8 bytes a pixel, and every count that a metric needs is one binary search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlib.errors import InputError

METRIC_NAMES = ("image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "pixel_f1max", "aupro")


@dataclass(frozen=True, repr=False)
class Metric:
    """A metric's value in [0, 1], or None together with the reason why it is undefined."""

    value: float | None
    reason: str | None = None

    def __repr__(self) -> str:
        return f"undefined ({self.reason})" if self.value is None else f"{self.value:.4f}"


@dataclass(frozen=True)
class Ranking:
    """The scores of the normal and of the anomalous samples, each (n,) in ascending order, and their metrics."""

    normal: np.ndarray
    anomalous: np.ndarray

    @property
    def undefined(self) -> str | None:
        """Why no ranking metric is defined (no samples, or of one label only), else None."""
        if self.normal.size + self.anomalous.size == 0:
            return "no scores were given"
        if self.anomalous.size == 0:
            return f"all {self.normal.size} labels are 0, so there is nothing anomalous to find"
        if self.normal.size == 0:
            return f"all {self.anomalous.size} labels are 1, so there is nothing normal to compare with"
        return None

    def auroc(self) -> Metric:
        """See `gradlib.metrics.curves.auroc`."""
        if self.undefined:
            return Metric(None, self.undefined)
        pairs = self.normal.size * self.anomalous.size
        # look up the smaller array in the larger one: one index per element of the smaller (mostly anomalous pixels)
        if self.anomalous.size <= self.normal.size:
            twice_wins = _twice_below(self.anomalous, self.normal)
        else:
            twice_wins = 2 * pairs - _twice_below(self.normal, self.anomalous)
        return Metric(twice_wins / (2 * pairs))

    def average_precision(self) -> Metric:
        """See `gradlib.metrics.curves.average_precision`."""
        if self.undefined:
            return Metric(None, self.undefined)
        ties, true_positives, false_positives = self._counts()
        precision = true_positives / (true_positives + false_positives)
        return Metric(float((ties * precision).sum() / self.anomalous.size))

    def f1_max(self) -> Metric:
        """See `gradlib.metrics.curves.f1_max`."""
        if self.undefined:
            return Metric(None, self.undefined)
        _, true_positives, false_positives = self._counts()
        # F1 = 2 TP / (2 TP + FP + FN), and TP + FN is the number of anomalous samples
        f1 = 2 * true_positives / (true_positives + false_positives + self.anomalous.size)
        return Metric(float(f1.max()))

    def _counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each distinct anomalous score as threshold, ascending: anomalous samples that tie, TP and FP.

        Thresholds at scores of normal samples alone are not needed: they add only false positives, so recall and AP
        do not increase and F1 decreases.
        """
        values = self.anomalous
        first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        true_positives = values.size - first
        false_positives = self.normal.size - np.searchsorted(self.normal, values[first], "left")
        return np.diff(first, append=values.size), true_positives, false_positives


def _twice_below(values: np.ndarray, others: np.ndarray) -> int:
    """Sum over values of twice the number of others below plus the number equal: integers, so ties stay exact."""
    return int(np.searchsorted(others, values, "left").sum()) + int(np.searchsorted(others, values, "right").sum())


def as_array(values: ArrayLike) -> np.ndarray:
    """A NumPy array, with at least one axis, of anything like one or of a tensor on any device."""
    if hasattr(values, "detach"):  # a tensor, perhaps on a GPU; torch itself is not needed to measure
        values = values.detach().cpu()
    return np.atleast_1d(np.asarray(values))


def finite_scores(scores: ArrayLike, name: str) -> np.ndarray:
    """Check scores of any shape; their type stays. name: of the scores, for the message.

    Raises InputError if they are not real numbers, or for NaN or inf, naming the first such item (first axis).
    """
    values = as_array(scores)
    if values.dtype.kind not in "fiub":
        raise InputError(f"The {name} are of type {values.dtype}: give an array of real numbers.")
    finite = np.isfinite(values)
    if not finite.all():
        first = np.unravel_index(int(np.argmin(finite)), values.shape)
        raise InputError(
            f"The {name} hold {values[first]} at image (or sample) {first[0]}, counted from 0: look for NaN or inf in "
            f"that image's features or for a training that diverged, or leave the image out."
        )
    return values


def binary_labels(labels: ArrayLike, name: str) -> np.ndarray:
    """Labels or masks of any shape and type with the values 0 and 1, as bool; name: for the message.

    Raises InputError on any other value: a mask of 0 and 255 must be converted first.
    """
    values = as_array(labels)
    if values.dtype == bool:
        return values
    other = ~((values == 0) | (values == 1))
    if other.any():
        raise InputError(
            f"The {name} hold the value {values[other][0]}: give 0 (normal) and 1 (anomalous) only, "
            f"for instance by `mask > 0`."
        )
    return values == 1


def rank(scores: ArrayLike, labels: ArrayLike, name: str = "scores") -> Ranking:
    """Sort the scores of each label; scores and labels (0 normal, 1 anomalous) have one shape, any number of axes.

    Raises InputError for scores that are not finite, labels other than 0 and 1, or shapes that differ.
    """
    values, anomalous = as_array(scores), binary_labels(labels, "labels")
    if values.shape != anomalous.shape:
        raise InputError(
            f"The {name} have shape {values.shape} but their labels {anomalous.shape}: give one label for each score."
        )
    values = finite_scores(values, name)
    normal_scores, anomalous_scores = values[~anomalous], values[anomalous]
    normal_scores.sort()
    anomalous_scores.sort()
    return Ranking(normal_scores, anomalous_scores)
