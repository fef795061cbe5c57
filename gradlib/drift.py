"""Whether recent scores of normal photographs still look like those that the threshold came from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import ks_2samp

from gradlib.errors import InputError

__all__ = ["drift"]


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
