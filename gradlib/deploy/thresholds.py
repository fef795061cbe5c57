"""A threshold from normal images held out of training, what a small number of them can guarantee, and drift of scores.

Anomalous images are not used. Explained in {ref}`ch-own`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta, ks_2samp

from gradlib.errors import InputError


@dataclass(frozen=True)
class Threshold:
    """A threshold and its false alarm rate, the share of *new* normal images that will reach it."""

    value: float  # τ: a score of at least this is called anomalous
    normals: int  # n, held out
    above: int  # j of them reach τ
    expected: float  # false alarm rate, averaged over all draws of n images
    bound: float  # the rate stays below this in a share `confidence` of all draws
    confidence: float


def false_alarm_bound(normals: int, above: int = 0, confidence: float = 0.95) -> float:
    """The false alarm rate that is not exceeded with this confidence, if `above` of `normals` held-out scores reach τ.

    Eq. {eq}`eq-false-alarm` solved for the rate. It holds for any distribution of the scores, as long as held-out and
    new images are drawn independently from the same one. Raises InputError for impossible numbers.
    """
    if not 0 <= above < normals:
        raise InputError(f"{above} of {normals} held-out images cannot reach the threshold: give 0 to n - 1 of n.")
    _check_share(confidence, "confidence")
    return float(beta.ppf(confidence, above + 1, normals - above))


def normals_needed(rate: float, confidence: float = 0.95) -> int:
    """The smallest number of held-out normal images whose highest score bounds the false alarm rate at `rate`.

    Eq. {eq}`eq-false-alarm` with j = 0, solved for n. Raises InputError for shares that are not between 0 and 1.
    """
    _check_share(rate, "rate")
    _check_share(confidence, "confidence")
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def choose_threshold(scores: ArrayLike, rate: float = 0.05, confidence: float = 0.95) -> Threshold:
    """The lowest threshold with an expected false alarm rate of at most `rate`, from held-out normal scores (n,).

    τ lies just above one of the scores: j = floor(rate (n + 1)) - 1 of them reach it, and the expected rate is
    (j + 1) / (n + 1). If n is too small for that, j = 0 and `expected` exceeds `rate`: report it. Raises InputError
    without scores, for scores that are not finite, and for shares that are not between 0 and 1.

        threshold = choose_threshold(scores[labels == 0], rate=0.05)
        anomalous = new_scores >= threshold.value
    """
    ordered = np.sort(np.asarray(scores, np.float32).ravel())
    n = len(ordered)
    if n == 0:
        raise InputError("There is no held-out score to choose a threshold from: give at least one.")
    if not np.isfinite(ordered).all():
        raise InputError("A held-out score is NaN or infinite: leave its image out, or train again.")
    _check_share(rate, "rate")
    above = max(math.floor(rate * (n + 1) + 1e-9) - 1, 0)  # a product such as 0.29 * 100 falls just short of 29
    value = float(np.nextafter(ordered[n - 1 - above], np.float32(np.inf)))
    return Threshold(value, n, above, (above + 1) / (n + 1), false_alarm_bound(n, above, confidence), confidence)


def _check_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise InputError(f"The {name} is {value}: give a share between 0 and 1.")


class Drift(NamedTuple):
    """The result of `measure_drift`."""

    gap: float  # 0: the same scores, 1: no overlap at all
    p: float  # the probability of such a gap or a larger one if nothing has changed


def measure_drift(reference: ArrayLike, recent: ArrayLike) -> Drift:
    """The largest gap between the two cumulative distributions of scores, and its p-value (Kolmogorov and Smirnov).

    Implements {eq}`eq-drift`. reference (n,), recent (m,): scores in one unit, of independent images. Raises InputError
    without scores and for scores that are not finite. Explained in {ref}`ch-limits`.
    """
    both = [np.asarray(scores, np.float64).ravel() for scores in (reference, recent)]
    for name, scores in zip(("reference", "recent"), both, strict=True):
        finite = int(np.isfinite(scores).sum())
        if not len(scores) or finite < len(scores):
            raise InputError(
                f"Of {len(scores)} {name} scores {finite} are finite: give at least one, without NaN and infinity."
            )
    test = ks_2samp(*both)
    return Drift(float(test.statistic), float(test.pvalue))


def confusion(score: np.ndarray, label: np.ndarray, threshold: float) -> dict[str, int]:
    """The numbers of images with each outcome if every score of at least `threshold` is called anomalous.

    score, label (0 normal, 1 anomalous): (N,). Keys: "found", "missed", "false alarms", "passed".
    """
    called = score >= threshold
    return {
        "found": int((called & (label == 1)).sum()),
        "missed": int((~called & (label == 1)).sum()),
        "false alarms": int((called & (label == 0)).sum()),
        "passed": int((~called & (label == 0)).sum()),
    }
