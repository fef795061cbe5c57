"""The bootstrap: its draws, its two statistics against plain resampling, and pairing between runs."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gradbook.study.bootstrap import Comparison, image_replicates, interval, pixel_replicates, resamples, verdict

LABELS = np.array([0] * 12 + [1] * 9)
SCORES = np.round(np.random.default_rng(5).normal(LABELS * 1.0), 1)  # rounded: with ties


def test_resamples_keep_the_numbers_of_each_kind_and_repeat():
    counts = resamples(LABELS, 50)
    assert (counts[:, LABELS == 0].sum(1) == 12).all()
    assert (counts[:, LABELS == 1].sum(1) == 9).all()
    np.testing.assert_array_equal(counts, resamples(LABELS, 50))
    shuffled = np.random.default_rng(0).permutation(len(LABELS))
    assert (resamples(LABELS[shuffled], 50)[:, LABELS[shuffled] == 1].sum(1) == 9).all()
    assert resamples(np.zeros(4, int), 3).sum() == 12


def test_image_replicates_are_the_auroc_of_each_resample():
    counts = resamples(LABELS, 30)
    expected = [roc_auc_score(np.repeat(LABELS, c), np.repeat(SCORES, c)) for c in counts]
    np.testing.assert_allclose(image_replicates(SCORES, LABELS, 30), expected)


def test_pixel_replicates_agree_with_resampled_pixels():
    masks = np.zeros((21, 16, 16), bool)
    masks[LABELS == 1, 3:8, 2:9] = True
    maps = np.random.default_rng(1).gamma(2.0, size=masks.shape) + 0.7 * masks
    for count, replicate in zip(resamples(LABELS, 10), pixel_replicates(maps, masks, LABELS, 10), strict=True):
        rows = np.repeat(np.arange(21), count)
        assert replicate == pytest.approx(roc_auc_score(masks[rows].ravel(), maps[rows].ravel()), abs=5e-4)


def test_the_interval_covers_the_middle():
    low, high = interval(np.linspace(0, 1, 1001))
    assert (low, high) == (pytest.approx(0.025), pytest.approx(0.975))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 0.3, "ahead"), (-0.3, -0.1, "behind"), (-0.1, 0.2, "undecided"), (0, 1, "undecided")],
)
def test_a_verdict_needs_an_interval_that_leaves_zero_out(low, high, word):
    assert verdict(low, high, "ahead", "behind") == Comparison(0, low, high).verdict("ahead", "behind") == word


def test_a_comparison_is_written_with_signs() -> None:
    gap = Comparison(0.421, -0.094, 1.079)
    assert gap.text() == "+0.42 (-0.09 to +1.08)"
    assert gap.text(digits=1) == "+0.4 (-0.1 to +1.1)"
    assert gap.verdict("above", "below", "contains 0") == "contains 0"
