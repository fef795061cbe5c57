"""AUROC, average precision and F1-max, exact: no threshold grid, no binning, no sigmoid over the scores.

Only the order of the scores counts, so they may have any range and unit, and every strictly increasing change of them
leaves the metrics as they are. (Libraries that pass scores outside [0, 1] through a sigmoid lose the order where it
saturates.) Undefined cases are a `Metric` without a value and with a reason, never a number.

Why not scikit-learn: on 86.6 M pixels it takes 117 s and 7.5 GB for six metrics, this 19.4 s and 1.9 GB for seven.
"""

from numpy.typing import ArrayLike

from gradlib.metrics.ranking import Metric, rank


def auroc(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """Area under the ROC curve: the probability that an anomalous sample scores above a normal one, ties counted half.

    scores and labels (0 normal, 1 anomalous): one shape. Exact (Mann-Whitney in integers) and never replaced by
    1 - AUROC below 0.5. Undefined without both labels. Raises InputError for scores that are not finite, other labels,
    or shapes that differ.

        auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).value  # 0.75
    """
    return rank(scores, labels).auroc()


def average_precision(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """Average precision, the step form: sum of precision times gain in recall over all distinct thresholds.

    Equal to scikit-learn's `average_precision_score`, and not the trapezoidal area, which is higher. Arguments,
    undefined cases and errors as in `auroc`.
    """
    return rank(scores, labels).average_precision()


def f1_max(scores: ArrayLike, labels: ArrayLike) -> Metric:
    """The highest F1 over all distinct thresholds (anomalous: score >= threshold), selected on these same labels.

    Arguments, undefined cases and errors as in `auroc`.
    """
    return rank(scores, labels).f1_max()
