"""The seven metrics of a class of objects, exact: no threshold grid, no binning, no squashing of the scores.

Scores are used as they are, in any range and unit. Libraries that pass scores outside [0, 1] through a sigmoid lose
their order once it saturates; here only the order counts, so every strictly increasing change of the scores leaves the
three ranking metrics as they were. Undefined cases are a `Metric` without a value and with the reason, never a number.
"""

import numpy as np
from numpy.typing import ArrayLike

from gradlib.metrics.ranking import Metric, Ranking, rank


def auroc(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """Area under the ROC curve: the chance that an anomalous sample scores above a normal one, ties counted half.

    scores and labels (0 normal, 1 anomalous): one shape. Exact (Mann-Whitney in integers) and never flipped below 0.5.
    Undefined without both kinds. Raises InputError for scores not finite, other labels, or shapes that differ.
    """
    return _auroc(rank(scores, labels))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """Average precision, the step form: sum of precision times gain in recall over all distinct thresholds.

    The same number as scikit-learn's `average_precision_score`, not the trapezoid under the curve, which is higher.
    Arguments, undefined cases and errors as in `auroc`.
    """
    return _average_precision(rank(scores, labels))


def f1_max(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """The highest F1 over all distinct thresholds ("anomalous" means score >= threshold), chosen on these very labels.

    Arguments, undefined cases and errors as in `auroc`.
    """
    return _f1_max(rank(scores, labels))


def _three(ranking: Ranking, level: str) -> dict[str, Metric]:
    return {
        f"{level}_auroc": _auroc(ranking),
        f"{level}_ap": _average_precision(ranking),
        f"{level}_f1max": _f1_max(ranking),
    }


def _auroc(ranking: Ranking) -> Metric:
    if ranking.undefined:
        return Metric(None, ranking.undefined)
    pairs = ranking.normal.size * ranking.anomalous.size
    # Searching the larger array for the smaller one needs indices only for the few (the anomalous pixels, mostly).
    if ranking.anomalous.size <= ranking.normal.size:
        twice_wins = _twice_below(ranking.anomalous, ranking.normal)
    else:
        twice_wins = 2 * pairs - _twice_below(ranking.normal, ranking.anomalous)
    return Metric(twice_wins / (2 * pairs))


def _twice_below(values: np.ndarray, others: np.ndarray) -> int:
    """Sum over values of twice the number of others below, plus the number equal: integers, so ties lose nothing."""
    return int(np.searchsorted(others, values, "left").sum()) + int(np.searchsorted(others, values, "right").sum())


def _counts(ranking: Ranking) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per distinct anomalous score as the threshold, ascending: anomalous samples there, true and false positives.

    Thresholds at normal scores alone are not needed: they add false positives only, so recall does not gain (nor does
    AP) and F1 falls.
    """
    values = ranking.anomalous
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    true_positives = values.size - first
    false_positives = ranking.normal.size - np.searchsorted(ranking.normal, values[first], "left")
    return np.diff(first, append=values.size), true_positives, false_positives


def _average_precision(ranking: Ranking) -> Metric:
    if ranking.undefined:
        return Metric(None, ranking.undefined)
    there, true_positives, false_positives = _counts(ranking)
    precision = true_positives / (true_positives + false_positives)
    return Metric(float((there * precision).sum() / ranking.anomalous.size))


def _f1_max(ranking: Ranking) -> Metric:
    if ranking.undefined:
        return Metric(None, ranking.undefined)
    _, true_positives, false_positives = _counts(ranking)
    # F1 = 2 TP / (2 TP + FP + FN), and TP + FN is the number of anomalous samples.
    f1 = 2 * true_positives / (true_positives + false_positives + ranking.anomalous.size)
    return Metric(float(f1.max()))
