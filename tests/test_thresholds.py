"""A threshold from held-out normal scores keeps its promise, and a few photographs promise little."""

import numpy as np
import pytest

from gradlib.deploy.thresholds import cut, false_alarm_bound, normals_needed
from gradlib.errors import InputError


def test_of_ten_photographs_the_highest_decides_and_the_wanted_rate_is_missed() -> None:
    scores = np.arange(10, dtype=np.float32)
    found = cut(scores, 0.05)
    assert (scores >= found.threshold).sum() == found.above == 0
    assert found.threshold == pytest.approx(9)
    assert found.expected == pytest.approx(1 / 11)
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 10))


@pytest.mark.parametrize(("n", "rate", "above"), [(19, 0.05, 0), (39, 0.05, 1), (99, 0.29, 28), (199, 0.05, 9)])
def test_as_many_reach_the_threshold_as_the_rate_allows(n: int, rate: float, above: int) -> None:
    scores = np.random.default_rng(n).normal(size=n)
    found = cut(scores, rate)
    assert (scores.astype(np.float32) >= found.threshold).sum() == found.above == above
    assert found.expected <= rate + 1e-9 < (above + 2) / (n + 1)


def test_bound_holds_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0).random((20_000, 30))  # uniform: the rate of a threshold t is 1 - t
    for above in (0, 2):
        rate = 1 - np.sort(draw, axis=1)[:, 29 - above]
        assert (rate <= false_alarm_bound(30, above)).mean() == pytest.approx(0.95, abs=0.01)
        assert rate.mean() == pytest.approx((above + 1) / 31, abs=0.002)


def test_known_numbers_of_photographs() -> None:
    assert [normals_needed(rate) for rate in (0.10, 0.05, 0.01)] == [29, 59, 299]
    for rate in (0.10, 0.05, 0.01):
        n = normals_needed(rate)
        assert false_alarm_bound(n) <= rate < false_alarm_bound(n - 1)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="no held-out score"):
        cut([])
    with pytest.raises(InputError, match="NaN or infinite"):
        cut([1.0, np.nan])
    with pytest.raises(InputError, match="rate is 0"):
        cut([1.0], 0)
    with pytest.raises(InputError, match="10 of 10"):
        false_alarm_bound(10, 10)
    with pytest.raises(InputError, match="confidence is 1"):
        normals_needed(0.05, 1)
