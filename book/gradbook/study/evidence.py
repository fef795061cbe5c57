"""What a run keeps for statistics beside its metrics: scores, bootstrap replicates, and errors by kind of patch."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gradbook.study.bootstrap import image_replicates, pixel_replicates
from gradlib.data.samples import Sample, rows_by_category
from gradlib.metrics.evaluation import masks_of
from gradlib.scores import anomaly_map


def evidence(
    d: Tensor, score: np.ndarray, samples: Sequence[Sample], image_size: int, protocol: str, *, channels: int
) -> dict[str, dict[str, Any]]:
    """By class: image scores, replicates of the pixel AUROC, and the mean squared error on each kind of patch.

    d (N, H, W), score (N,); channels: C where d is a distance between features, else 0 and errors are left out.
    Rows of numbers are strings with spaces between, so that a record stays a few lines long.
    """
    found: dict[str, dict[str, Any]] = {}
    for category, rows in rows_by_category(samples).items():
        here = [samples[i] for i in rows]
        labels = [s.label for s in here]
        masks = masks_of(here, image_size, warn=False) if len(set(labels)) == 2 else None
        kept: dict[str, Any] = {
            "defects": [[kind, len(list(group))] for kind, group in groupby(s.defect for s in here)],
            "labels": "".join(map(str, labels)),
            "scores": numbers(score[rows]),
            "pixel_replicates": None,
            "patch_error": None,
        }
        if masks is not None and masks.any():
            maps = anomaly_map(d[rows], image_size, protocol).numpy()
            kept["pixel_replicates"] = numbers(pixel_replicates(maps, masks, labels), digits=5)
            if channels:
                kept["patch_error"] = patch_error(d[rows], masks, channels)
        found[category] = kept
    return found


def patch_error(d: Tensor, masks: np.ndarray, channels: int) -> dict[str, float | None]:
    """Mean of d^2 / C over patches that lie wholly outside of all masks, and over those more than half inside one."""
    share = F.interpolate(torch.from_numpy(masks).float()[:, None], d.shape[1:], mode="area")[:, 0]  # (n, H, W)
    squared = d.double().square() / channels
    kinds = {"normal": squared[share == 0], "anomalous": squared[share > 0.5]}
    return {kind: round(float(errors.mean()), 6) if len(errors) else None for kind, errors in kinds.items()}


def numbers(values: np.ndarray, digits: int = 6) -> str:
    """Numbers to some significant digits, with spaces between."""
    return " ".join(f"{value:.{digits}g}" for value in values)


def scores_and_labels(record: dict[str, Any], category: str) -> tuple[np.ndarray, np.ndarray]:
    """The image scores, to six digits, and the labels of a recorded class, each (n,)."""
    kept = record["evidence"][category]
    return np.array(kept["scores"].split(), float), np.array(list(kept["labels"]), int)


def image_auroc_replicates(record: dict[str, Any], category: str) -> np.ndarray | None:
    """(replicates,) of a recorded class, or None where its test images are all of one kind."""
    scores, labels = scores_and_labels(record, category)
    return image_replicates(scores, labels) if len(np.unique(labels)) == 2 else None


def pixel_auroc_replicates(record: dict[str, Any], category: str) -> np.ndarray | None:
    """(replicates,) of a recorded class, or None where it has no masks."""
    kept = record["evidence"][category]["pixel_replicates"]
    return None if kept is None else np.array(kept.split(), float)
