"""The seven metrics of a class of objects, exact: no threshold grid, no binning, no squashing of the scores.

Scores are used as they are, in any range and unit. Libraries that pass scores outside [0, 1] through a sigmoid lose
their order once it saturates; here only the order counts, so every strictly increasing change of the scores leaves the
three ranking metrics as they were. Undefined cases are a `Metric` without a value and with the reason, never a number.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from gradlib.aupro import aupro
from gradlib.errors import InputError
from gradlib.ranking import Metric, Ranking, binary_labels, finite_scores, rank
from gradlib.scores import check_protocol

__all__ = ["Metric", "auroc", "average_precision", "evaluate", "f1_max", "mean_over_classes"]

METRIC_NAMES = ("image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "pixel_f1max", "aupro")


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


def evaluate(
    maps: np.ndarray,
    image_scores: np.ndarray,
    labels: np.ndarray,
    masks: np.ndarray | None,
    protocol: str = "paper",
) -> dict[str, Metric]:
    """All of METRIC_NAMES for the test images of one class of objects.

    maps (N, S, S) anomaly maps and image_scores (N,), both made by gradlib.scores under the same protocol;
    labels (N,) 0 normal, 1 anomalous; masks (N, S, S) true where anomalous, or None when the class has none.
    Pixel metrics and AUPRO count every pixel of every image: those of the normal images are negatives, and so are
    those of an anomalous image whose mask is empty (a defect lost at this size). Without masks they are undefined.
    protocol "paper" reports values as they are; "official" turns an image or pixel AUROC below 0.5 into 1 - AUROC, as
    the released code does (it hides swapped labels or signs, so it is done nowhere else).
    Raises InputError for an unknown protocol, shapes that do not fit, values not finite, labels or masks other than
    0 and 1, and a normal image with anomalous pixels in its mask.
    """
    check_protocol(protocol)
    maps = finite_scores(maps, "anomaly maps")
    image_ranking = rank(image_scores, labels, "image scores")
    if maps.ndim != 3 or np.shape(labels) != (len(maps),):
        raise InputError(
            f"The anomaly maps have shape {maps.shape} and the labels {np.shape(labels)}: "
            f"give maps (N, S, S) and one label for each map."
        )
    metrics = _three(image_ranking, "image")
    if masks is None:
        metrics |= {name: Metric(None, "no masks") for name in METRIC_NAMES[3:]}
    else:
        checked = _checked_masks(masks, maps.shape, labels)
        metrics |= _three(rank(maps, checked, "anomaly maps"), "pixel") | {"aupro": aupro(maps, checked)}
    if protocol == "official":
        metrics |= {name: flipped(metrics[name]) for name in ("image_auroc", "pixel_auroc")}
    return metrics


def mean_over_classes(per_class: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """The plain mean over classes of each metric; undefined, naming the classes, where any class has no value.

    Leaving such a class out instead would compare means over different classes. Raises InputError when there is no
    class, or when the classes do not hold the same metrics.
    """
    if not per_class:
        raise InputError("There is no class to take a mean over: evaluate at least one class first.")
    first_class, first = next(iter(per_class.items()))
    for name, metrics in per_class.items():
        if set(metrics) != set(first):
            raise InputError(
                f"Class {name!r} has the metrics {sorted(metrics)} but class {first_class!r} has {sorted(first)}: "
                f"evaluate every class in the same way."
            )
    return {metric: _mean({name: metrics[metric] for name, metrics in per_class.items()}) for metric in first}


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


def _checked_masks(masks: np.ndarray, shape: tuple[int, ...], labels: np.ndarray) -> np.ndarray:
    checked = binary_labels(masks, "masks")
    if checked.shape != shape:
        raise InputError(
            f"The masks have shape {checked.shape} but the anomaly maps {shape}: read the masks at the maps' size."
        )
    contradictory = checked.any(axis=(1, 2)) & ~binary_labels(labels, "labels")
    if contradictory.any():
        raise InputError(
            f"Image {int(np.argmax(contradictory))} (counted from 0) is labelled normal but its mask has anomalous "
            f"pixels: give labels and masks in the order of the maps, or mend the label."
        )
    return checked


def flipped(metric: Metric) -> Metric:
    """The released code's reading of an AUROC: below one half it becomes 1 - AUROC."""
    return Metric(1 - metric.value) if metric.value is not None and metric.value < 0.5 else metric


def _mean(of_classes: Mapping[str, Metric]) -> Metric:
    values = [metric.value for metric in of_classes.values() if metric.value is not None]
    if len(values) == len(of_classes):
        return Metric(math.fsum(values) / len(values))
    undefined = [f"{name} ({metric.reason})" for name, metric in of_classes.items() if metric.value is None]
    return Metric(None, f"undefined for {', '.join(undefined)}")
