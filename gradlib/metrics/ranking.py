"""What every metric stands on: checked scores and labels, sorted class by class, and a result that may be undefined.

Normal and anomalous scores are sorted separately and in their own type, instead of one argsort over both: no index
array of 8 bytes a pixel, and every count that a metric needs is one binary search away.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlib.errors import InputError


@dataclass(frozen=True)
class Metric:
    """A metric's value in [0, 1], or None together with the reason why it is undefined."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Ranking:
    """The scores of the normal and of the anomalous samples, each (n,) in ascending order."""

    normal: np.ndarray
    anomalous: np.ndarray

    @property
    def undefined(self) -> str | None:
        """Why no ranking metric is defined here (nothing given, or one kind only), else None."""
        if self.normal.size + self.anomalous.size == 0:
            return "no scores were given"
        if self.anomalous.size == 0:
            return f"all {self.normal.size} labels are 0, so there is nothing anomalous to find"
        if self.normal.size == 0:
            return f"all {self.anomalous.size} labels are 1, so there is nothing normal to compare with"
        return None


def finite_scores(scores: ArrayLike, what: str) -> np.ndarray:
    """Check scores of any shape and keep their type; `what` names them in the message.

    Raises InputError when they are not real numbers, or hold NaN or inf, naming the first such item (first axis).
    """
    values = np.atleast_1d(np.asarray(scores))
    if values.dtype.kind not in "fiub":
        raise InputError(f"The {what} are of type {values.dtype}: give an array of real numbers.")
    finite = np.isfinite(values)
    if not finite.all():
        first = np.unravel_index(int(np.argmin(finite)), values.shape)
        raise InputError(
            f"The {what} hold {values[first]} at image (or sample) {first[0]}, counted from 0: look for NaN or inf in "
            f"that image's features or in a training that diverged, or leave the image out."
        )
    return values


def binary_labels(labels: ArrayLike, what: str) -> np.ndarray:
    """Labels or masks of any shape, given as 0 and 1 of any type, as bool; `what` names them in the message.

    Raises InputError on any other value, so a mask of 0 and 255 is not guessed at.
    """
    values = np.atleast_1d(np.asarray(labels))
    if values.dtype == bool:
        return values
    other = ~((values == 0) | (values == 1))
    if other.any():
        raise InputError(
            f"The {what} hold the value {values[other][0]}: give 0 (normal) and 1 (anomalous) only, "
            f"for instance by `mask > 0`."
        )
    return values == 1


def rank(scores: ArrayLike, labels: ArrayLike, what: str = "scores") -> Ranking:
    """Sort the scores of each kind; scores and labels (0 normal, 1 anomalous) have one shape, any number of axes.

    Raises InputError for scores that are not finite, labels other than 0 and 1, or shapes that differ.
    """
    values, anomalous = np.atleast_1d(np.asarray(scores)), binary_labels(labels, "labels")
    if values.shape != anomalous.shape:
        raise InputError(
            f"The {what} have shape {values.shape} but their labels {anomalous.shape}: give one label for each score."
        )
    values = finite_scores(values, what)
    normal_scores, anomalous_scores = values[~anomalous], values[anomalous]
    normal_scores.sort()
    anomalous_scores.sort()
    return Ranking(normal_scores, anomalous_scores)
