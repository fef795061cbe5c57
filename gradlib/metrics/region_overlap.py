"""AUPRO: the covered share of each defect region, all regions weighted equally, at low false-positive rates."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from gradlib.errors import InputError
from gradlib.metrics.ranking import Metric, as_array, binary_labels, finite_scores

# pixels that touch at a corner belong to one region, as in the MVTec evaluation; scipy's default is edges only
NEIGHBOURS = np.ones((3, 3))
BLOCK = 2**22  # anomalous pixels at a time


def aupro(maps: ArrayLike, masks: ArrayLike, limit: float = 0.3) -> Metric:
    """Area under the per-region-overlap curve up to a false-positive rate of `limit`, divided by `limit`.

    Definition: Bergmann et al., IJCV 2021 (MVTec AD). maps (N, S, S) anomaly maps, masks (N, S, S) true where
    anomalous. For each threshold: the covered fraction of a region, averaged over all 8-connected regions of all
    images, against the fraction of all background pixels (those of normal images included) at or above it. Exact: the
    curve through all distinct scores, ties joined by a line, cut at the limit by linear interpolation. Threshold grids
    give lower values (100 thresholds: by about 0.9 points). Undefined without a region or without background. Raises
    InputError for shapes that differ, values that are not finite, masks other than 0 and 1, and a limit outside (0, 1].
    """
    if not 0 < limit <= 1:
        raise InputError(f"The AUPRO limit is {limit}: give a false-positive rate above 0 and at most 1, such as 0.3.")
    values, anomalous = as_array(maps), binary_labels(masks, "masks")
    if values.ndim != 3 or values.shape != anomalous.shape:
        raise InputError(
            f"The anomaly maps have shape {values.shape} and the masks {anomalous.shape}: give both as (N, S, S)."
        )
    values = finite_scores(values, "anomaly maps")
    if not anomalous.any():
        return Metric(None, f"no anomalous pixel in the masks of {len(values)} images, so there is no region to find")
    if anomalous.all():
        return Metric(None, "every pixel is anomalous, so there is no false-positive rate")
    weights = _region_weights(anomalous)
    background = values[~anomalous]
    background.sort()
    scores, area = values[anomalous], 0.0
    for start in range(0, len(scores), BLOCK):
        part = slice(start, start + BLOCK)
        area += float(weights[part] @ _mean_coverage(scores[part], background, limit))
    return Metric(area)


def _region_weights(anomalous: np.ndarray) -> np.ndarray:
    """For each anomalous pixel 1 / (pixels of its region * number of regions); the sum is 1."""
    sizes, count = [], 0
    for mask in anomalous:  # one by one: labels of all images together would take 4 bytes a pixel
        regions, number = ndimage.label(mask, structure=NEIGHBOURS)
        region = regions[mask] - 1
        sizes.append(np.bincount(region)[region])
        count += number
    return 1 / (np.concatenate(sizes) * float(count))


def _mean_coverage(scores: np.ndarray, background: np.ndarray, limit: float) -> np.ndarray:
    """The coverage of the pixels with these scores, averaged over false-positive rates in [0, limit].

    background: ascending. As a function of the number of false positives, a pixel's coverage is 0 up to the number of
    background pixels above its score, rises linearly over those that tie with it, and stays 1. The curve is the
    weighted sum of these ramps, so its area is that of theirs: no loop over thresholds, and only the background is
    sorted.
    """
    end = limit * background.size
    above = background.size - np.searchsorted(background, scores, "right")
    at_or_above = background.size - np.searchsorted(background, scores, "left")
    ramp_end = np.minimum(at_or_above, end)
    ramp = np.maximum(ramp_end - above, 0) ** 2 / (2 * np.maximum(at_or_above - above, 1))
    return (ramp + end - ramp_end) / end
