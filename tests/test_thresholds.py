"""A threshold from held-out normal scores keeps its promise, and a few images guarantee little."""

import numpy as np
import pytest

from gradlib.deploy.thresholds import choose_threshold, confusion, false_alarm_bound, normals_needed
from gradlib.errors import InputError


def test_of_ten_images_the_highest_decides_and_the_requested_rate_is_missed() -> None:
    scores = np.arange(10, dtype=np.float32)
    threshold = choose_threshold(scores, 0.05)
    assert (scores >= threshold.value).sum() == threshold.above == 0
    assert threshold.value == pytest.approx(9)
    assert threshold.expected == pytest.approx(1 / 11)
    assert threshold.bound == pytest.approx(1 - 0.05 ** (1 / 10))


@pytest.mark.parametrize(("n", "rate", "above"), [(19, 0.05, 0), (39, 0.05, 1), (99, 0.29, 28), (199, 0.05, 9)])
def test_as_many_reach_the_threshold_as_the_rate_allows(n: int, rate: float, above: int) -> None:
    scores = np.random.default_rng(n).normal(size=n)
    threshold = choose_threshold(scores, rate)
    assert (scores.astype(np.float32) >= threshold.value).sum() == threshold.above == above
    assert threshold.expected <= rate + 1e-9 < (above + 2) / (n + 1)


def test_bound_holds_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0).random((20_000, 30))  # uniform: the rate of a threshold t is 1 - t
    for above in (0, 2):
        rate = 1 - np.sort(draw, axis=1)[:, 29 - above]
        assert (rate <= false_alarm_bound(30, above)).mean() == pytest.approx(0.95, abs=0.01)
        assert rate.mean() == pytest.approx((above + 1) / 31, abs=0.002)


def test_known_numbers_of_images() -> None:
    assert [normals_needed(rate) for rate in (0.10, 0.05, 0.01)] == [29, 59, 299]
    for rate in (0.10, 0.05, 0.01):
        n = normals_needed(rate)
        assert false_alarm_bound(n) <= rate < false_alarm_bound(n - 1)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="no held-out score"):
        choose_threshold([])
    with pytest.raises(InputError, match="NaN or infinite"):
        choose_threshold([1.0, np.nan])
    with pytest.raises(InputError, match="rate is 0"):
        choose_threshold([1.0], 0)
    with pytest.raises(InputError, match="10 of 10"):
        false_alarm_bound(10, 10)
    with pytest.raises(InputError, match="confidence is 1"):
        normals_needed(0.05, 1)


def test_confusion_counts_each_image_once() -> None:
    score, label = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 1, 0, 1])
    assert confusion(score, label, 0.5) == {"found": 1, "missed": 1, "false alarms": 1, "passed": 1}
    assert sum(confusion(score, label, 0.0).values()) == 4
