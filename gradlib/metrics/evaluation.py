"""From maps and scores to the seven metrics of each class."""

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from gradlib.data.images import read_mask
from gradlib.data.samples import Sample, rows_by_category
from gradlib.errors import InputError
from gradlib.metrics.curves import _three
from gradlib.metrics.ranking import Metric, binary_labels, finite_scores, rank
from gradlib.metrics.region_overlap import aupro
from gradlib.scores import anomaly_map, check_protocol, image_score

METRIC_NAMES = ("image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "pixel_f1max", "aupro")


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
    protocol "paper" reports values as they are; "released" turns an image or pixel AUROC below 0.5 into 1 - AUROC, as
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
    if protocol == "released":
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


def measure(
    d: Tensor, samples: Sequence[Sample], image_size: int, protocol: str, *, score: Tensor | None = None
) -> tuple[dict[str, dict[str, Metric]], np.ndarray]:
    """The seven metrics of each class and the image scores (N,) from d (N, H, W); protocol as in gradlib.scores.

    score: (N,) for a method that has image scores of its own; else they come from the maps.
    """
    scores = np.empty(len(samples), np.float32)
    metrics = {}
    for category, rows in rows_by_category(samples).items():
        maps = anomaly_map(d[rows], image_size, protocol)  # (n, S, S)
        scores[rows] = (image_score(maps, protocol) if score is None else score[rows]).numpy()
        labels = np.array([samples[i].label for i in rows])
        masks = masks_of([samples[i] for i in rows], image_size)
        metrics[category] = evaluate(maps.numpy(), scores[rows], labels, masks, protocol)
    return metrics, scores


def masks_of(samples: Sequence[Sample], size: int, *, warn: bool = True) -> np.ndarray | None:
    """Masks (n, size, size), or None, with a warning where only some are missing, if a defective image has none."""
    without = [s for s in samples if s.label == 1 and s.mask is None]
    if not without:
        return np.stack([read_mask(s, size) for s in samples])
    if warn and any(s.mask is not None for s in samples):
        warnings.warn(
            f"{len(without)} defective image(s) of class {without[0].category!r} have no mask (first: "
            f"{without[0].image}): add the masks under ground_truth, or pixel metrics of this class are undefined.",
            stacklevel=2,
        )
    return None
