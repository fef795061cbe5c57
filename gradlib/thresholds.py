"""A threshold from normal photographs that were held out of training, and how little a few of them can promise.

Defects have no say in it. Explained in {ref}`ch-own`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

from gradlib.errors import InputError

__all__ = ["cut", "false_alarm_bound", "normals_needed"]


@dataclass(frozen=True)
class Cut:
    """A threshold with what it is worth: the share of *new* normal photographs that will reach it."""

    threshold: float  # τ: a score of at least this is called defective
    normals: int  # n, held out
    above: int  # j of them reach τ
    expected: float  # the false alarm rate on average over all draws of n photographs
    bound: float  # the rate stays below this in a share `confidence` of all draws
    confidence: float


def false_alarm_bound(normals: int, above: int = 0, confidence: float = 0.95) -> float:
    """The false alarm rate that is not exceeded with this confidence, if `above` of `normals` held-out scores reach τ.

    Eq. {eq}`eq-false-alarm` solved for the rate. It holds whatever the scores' distribution is, as long as held-out and
    new photographs come from the same one, independently. Raises InputError for numbers that cannot be.
    """
    if not 0 <= above < normals:
        raise InputError(f"{above} of {normals} held-out photographs cannot reach the threshold: give 0 to n - 1 of n.")
    _refuse_no_share(confidence, "confidence")
    return float(beta.ppf(confidence, above + 1, normals - above))


def normals_needed(rate: float, confidence: float = 0.95) -> int:
    """The fewest held-out normal photographs whose highest score bounds the false alarm rate at `rate`.

    Eq. {eq}`eq-false-alarm` with j = 0, solved for n. Raises InputError for shares that are not between 0 and 1.
    """
    _refuse_no_share(rate, "rate")
    _refuse_no_share(confidence, "confidence")
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def cut(scores: ArrayLike, rate: float = 0.05, confidence: float = 0.95) -> Cut:
    """The lowest threshold whose false alarm rate is at most `rate` on average, from held-out normal scores (n,).

    τ lies just above one of the scores, so that j = floor(rate (n + 1)) - 1 of them reach it and the rate is
    (j + 1) / (n + 1) on average. Where n is too small for that, j = 0 and `expected` is above `rate`: say so.
    Raises InputError without scores, for scores that are not finite, and for shares that are not between 0 and 1.
    """
    ordered = np.sort(np.asarray(scores, np.float32).ravel())
    n = len(ordered)
    if n == 0:
        raise InputError("There is no held-out score to take a threshold from: give at least one.")
    if not np.isfinite(ordered).all():
        raise InputError("A held-out score is NaN or infinite: leave its photograph out, or train again.")
    _refuse_no_share(rate, "rate")
    above = max(math.floor(rate * (n + 1) + 1e-9) - 1, 0)  # a product such as 0.29 * 100 falls just short of 29
    threshold = float(np.nextafter(ordered[n - 1 - above], np.float32(np.inf)))
    return Cut(threshold, n, above, (above + 1) / (n + 1), false_alarm_bound(n, above, confidence), confidence)


def _refuse_no_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise InputError(f"The {name} is {value}: give a share between 0 and 1.")
