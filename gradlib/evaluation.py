"""From a trained model to numbers: d of every test image, its map and score, and the metrics of each class."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradlib.data import Sample, read_mask
from gradlib.data.samples import rows_by_category
from gradlib.metrics import Metric, evaluate
from gradlib.model import GRAD, Features
from gradlib.scores import anomaly_map, image_score
from gradlib.uniad import UniAD

__all__ = ["distances", "masks_of"]


@torch.inference_mode()
def distances(model: GRAD | UniAD, features: Features, device: torch.device) -> Tensor:
    """d (N, H, W) of N images, on the CPU (Eq. 8)."""
    model.eval()
    blocks = torch.arange(len(features)).split(64)
    return torch.cat([model(features[block].to(device)).error.cpu() for block in blocks])


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
