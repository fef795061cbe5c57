"""From maps and scores to the seven metrics of each category."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from gradlib.data.samples import Sample, read_masks, rows_by_category
from gradlib.errors import InputError
from gradlib.metrics.ranking import METRIC_NAMES, Metric, as_array, binary_labels, finite_scores, rank
from gradlib.metrics.region_overlap import aupro
from gradlib.scores import anomaly_map, check_protocol, image_score


def evaluate(
    maps: ArrayLike,
    image_scores: ArrayLike,
    labels: ArrayLike,
    masks: ArrayLike | None,
    protocol: str = "paper",
) -> dict[str, Metric]:
    """All of METRIC_NAMES for the test images of one category; arrays and tensors alike.

    maps (N, S, S) and image_scores (N,), both by gradlib.scores under the same protocol; labels (N,) 0 normal, 1
    anomalous; masks (N, S, S) true where anomalous, or None if there are none. Pixel metrics and AUPRO count every
    pixel of every image: those of normal images are negatives, and so are those of an anomalous image whose mask is
    empty (a defect lost at this size). Without masks they are undefined. protocol "paper" reports all values as they
    are; "released" turns an image or pixel AUROC below 0.5 into 1 - AUROC, as the released code does (this hides
    swapped labels or signs, so it is done nowhere else). Raises InputError for an unknown protocol, shapes that do not
    fit, values that are not finite, labels or masks other than 0 and 1, and a normal image with anomalous pixels.

        print(evaluate(maps, image_score(maps), test.labels, test.masks(224)))
    """
    check_protocol(protocol)
    maps, labels = finite_scores(maps, "anomaly maps"), as_array(labels)
    image_ranking = rank(image_scores, labels, "image scores")
    if maps.ndim != 3 or labels.shape != (len(maps),):
        raise InputError(
            f"The anomaly maps have shape {maps.shape} and the labels {labels.shape}: "
            f"give maps (N, S, S) and one label for each map."
        )
    values = [image_ranking.auroc(), image_ranking.average_precision(), image_ranking.f1_max()]
    if masks is None:
        values += [Metric(None, "no masks")] * 4
    else:
        checked = _checked_masks(masks, maps.shape, labels)
        pixel_ranking = rank(maps, checked, "anomaly maps")
        values += [pixel_ranking.auroc(), pixel_ranking.average_precision(), pixel_ranking.f1_max()]
        values.append(aupro(maps, checked))
    metrics = dict(zip(METRIC_NAMES, values, strict=True))
    if protocol == "released":
        metrics |= {name: complement(metrics[name]) for name in ("image_auroc", "pixel_auroc")}
    return metrics


def measure(
    d: Tensor, samples: Sequence[Sample], image_size: int, protocol: str, *, score: Tensor | None = None
) -> tuple[dict[str, dict[str, Metric]], np.ndarray]:
    """The seven metrics of each category and the image scores (N,), from d (N, H, W); protocol as in gradlib.scores.

    score: (N,) for a method with image scores of its own; otherwise they are computed from the maps.
    """
    scores = np.empty(len(samples), np.float32)
    metrics = {}
    for category, rows in rows_by_category(samples).items():
        maps = anomaly_map(d[rows], image_size, protocol)  # (n, S, S)
        scores[rows] = (image_score(maps, protocol) if score is None else score[rows]).numpy()
        part = [samples[i] for i in rows]
        labels, masks = np.array([s.label for s in part]), read_masks(part, image_size)
        metrics[category] = evaluate(maps, scores[rows], labels, masks, protocol)
    return metrics, scores


def mean_over_categories(by_category: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """The plain mean over categories of each metric; undefined, with the names, if any category has no value.

    Leaving such a category out instead would compare means over different categories. Raises InputError without any
    category, or if the categories do not have the same metrics.
    """
    if not by_category:
        raise InputError("There is no category to average over: evaluate at least one first.")
    first_name, first = next(iter(by_category.items()))
    for name, metrics in by_category.items():
        if set(metrics) != set(first):
            raise InputError(
                f"Category {name!r} has the metrics {sorted(metrics)} but category {first_name!r} has {sorted(first)}: "
                f"evaluate every category in the same way."
            )
    return {metric: _mean({name: metrics[metric] for name, metrics in by_category.items()}) for metric in first}


def complement(auroc: Metric) -> Metric:
    """The released code's reading of an AUROC: 1 - AUROC if it is below one half, else itself."""
    return Metric(1 - auroc.value) if auroc.value is not None and auroc.value < 0.5 else auroc


def _checked_masks(masks: ArrayLike, shape: tuple[int, ...], labels: np.ndarray) -> np.ndarray:
    checked = binary_labels(masks, "masks")
    if checked.shape != shape:
        raise InputError(
            f"The masks have shape {checked.shape} but the anomaly maps {shape}: read the masks at the maps' size."
        )
    contradictory = checked.any(axis=(1, 2)) & ~binary_labels(labels, "labels")
    if contradictory.any():
        raise InputError(
            f"Image {int(np.argmax(contradictory))} (counted from 0) is labelled normal but its mask has anomalous "
            f"pixels: give labels and masks in the order of the maps, or correct the label."
        )
    return checked


def _mean(by_category: Mapping[str, Metric]) -> Metric:
    values = [metric.value for metric in by_category.values() if metric.value is not None]
    if len(values) == len(by_category):
        return Metric(math.fsum(values) / len(values))
    undefined = [f"{name} ({metric.reason})" for name, metric in by_category.items() if metric.value is None]
    return Metric(None, f"undefined for {', '.join(undefined)}")
