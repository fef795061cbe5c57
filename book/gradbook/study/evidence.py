"""What a run records for statistics besides its metrics: image scores, bootstrap replicates, errors on patches.

`gradbook.study.statistics` reads it.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gradbook.study.bootstrap import pixel_replicates
from gradlib.data.samples import Sample, read_masks, rows_by_category
from gradlib.scores import anomaly_map


def evidence(
    d: Tensor, score: np.ndarray, samples: Sequence[Sample], image_size: int, protocol: str, *, channels: int
) -> dict[str, dict[str, Any]]:
    """By category: image scores, replicates of the pixel AUROC, and the mean squared error on each kind of patch.

    d (N, H, W), score (N,); channels: C if d is a feature distance, 0 for any other map, which has no patch errors.
    Rows of numbers are strings with spaces between, so that a record has few lines.
    """
    by_category: dict[str, dict[str, Any]] = {}
    for category, rows in rows_by_category(samples).items():
        images = [samples[i] for i in rows]
        labels = [image.label for image in images]
        masks = read_masks(images, image_size, warn=False) if len(set(labels)) == 2 else None
        fields: dict[str, Any] = {
            "defects": [[defect, len(list(group))] for defect, group in groupby(image.defect for image in images)],
            "labels": "".join(map(str, labels)),
            "scores": numbers(score[rows]),
            "pixel_replicates": None,
            "patch_error": None,
        }
        if masks is not None and masks.any():
            maps = anomaly_map(d[rows], image_size, protocol).numpy()
            fields["pixel_replicates"] = numbers(pixel_replicates(maps, masks, labels), digits=5)
            if channels:
                fields["patch_error"] = patch_error(d[rows], masks, channels)
        by_category[category] = fields
    return by_category


def patch_error(d: Tensor, masks: np.ndarray, channels: int) -> dict[str, float | None]:
    """Mean of d^2 / C over patches that no mask touches ("normal") and over those more than half masked ("anomalous").

    d (n, H, W), masks (n, S, S). None for a kind without patches.
    """
    share = F.interpolate(torch.from_numpy(masks).float()[:, None], d.shape[1:], mode="area")[:, 0]  # (n, H, W)
    squared = d.double().square() / channels
    kinds = {"normal": squared[share == 0], "anomalous": squared[share > 0.5]}
    return {kind: round(float(errors.mean()), 6) if len(errors) else None for kind, errors in kinds.items()}


def numbers(values: np.ndarray, digits: int = 6) -> str:
    """Numbers to some significant digits, with spaces between."""
    return " ".join(f"{value:.{digits}g}" for value in values)
