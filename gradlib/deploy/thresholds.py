"""A threshold from normal photographs that were held out of training, and how little a few of them can promise.

Defects have no say in it. Explained in {ref}`ch-own`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta, ks_2samp

from gradlib.errors import InputError


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


class Drift(NamedTuple):
    """What `drift` finds."""

    gap: float  # 0: the same scores, 1: no overlap at all
    p: float  # the chance of such a gap or a larger one where nothing has changed


def drift(reference: ArrayLike, recent: ArrayLike) -> Drift:
    """The largest gap between the two cumulative distributions of scores, and its p-value (Kolmogorov and Smirnov).

    Implements {eq}`eq-drift`. reference (n,), recent (m,): scores in one unit, of photographs taken independently of
    each other. Raises InputError for no scores and for scores that are not finite. Explained in {ref}`ch-limits`.
    """
    both = [np.asarray(scores, np.float64).ravel() for scores in (reference, recent)]
    for name, scores in zip(("reference", "recent"), both, strict=True):
        finite = int(np.isfinite(scores).sum())
        if not len(scores) or finite < len(scores):
            raise InputError(
                f"Of {len(scores)} {name} scores {finite} are finite: give at least one, without NaN and infinity."
            )
    found = ks_2samp(*both)
    return Drift(float(found.statistic), float(found.pvalue))


def confusion(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[str, int]:
    """Counts of the four outcomes when everything at or above the threshold is called anomalous."""
    called = score >= threshold
    return {
        "found": int((called & (label == 1)).sum()),
        "missed": int((~called & (label == 1)).sum()),
        "false alarms": int((called & (label == 0)).sum()),
        "passed": int((~called & (label == 0)).sum()),
    }
