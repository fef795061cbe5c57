"""The drift test measures the largest gap between two distributions, which bounds what any threshold can feel."""

import numpy as np
import pytest

from gradlib.deploy.thresholds import measure_drift
from gradlib.errors import InputError


def test_gap_is_that_of_the_cumulative_distributions() -> None:
    reference, recent = np.random.default_rng(0).normal(size=(2, 30)) + np.array([[0.0], [0.5]])
    at = np.concatenate([reference, recent])
    gap = max(abs((reference <= s).mean() - (recent <= s).mean()) for s in at)
    assert measure_drift(reference, recent).gap == pytest.approx(gap)


def test_same_scores_have_no_gap_and_parted_ones_the_largest() -> None:
    assert measure_drift([1, 2, 3], [1, 2, 3]) == (0.0, pytest.approx(1.0))
    parted = measure_drift(np.arange(50), np.arange(100, 150))
    assert parted.gap == 1
    assert parted.p < 1e-9


@pytest.mark.parametrize("recent", [[], [np.nan]])
def test_no_scores_are_refused(recent: list[float]) -> None:
    with pytest.raises(InputError, match="recent scores"):
        measure_drift([1.0], recent)
