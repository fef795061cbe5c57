"""A trained model applied to features, block by block."""

from typing import NamedTuple

import torch
from torch import Tensor

from gradbook.study.methods.uniad import UniAD
from gradlib.model import GRAD
from gradlib.standardise import Features


@torch.inference_mode()
def distances(model: GRAD | UniAD, features: Features, device: torch.device) -> Tensor:
    """d (N, H, W) of N images, on the CPU (Eq. 8)."""
    model.eval()
    blocks = torch.arange(len(features)).split(64)
    return torch.cat([model(features[block].to(device)).error.cpu() for block in blocks])


class Places(NamedTuple):
    """Where N images and their patches lie, and what is left of each patch."""

    v_l: Tensor  # (N, C_l, H, W), in (-1, 1)
    v_g: Tensor  # (N, C_g), in (-1, 1)
    d: Tensor  # (N, H, W), Eq. 8


@torch.no_grad()  # not inference mode: a reader may go on with these tensors
def places(model: GRAD, features: Features) -> Places:
    """Coordinates and errors of N images, on the CPU; features: rows (C, H, W), raw.

    Puts the model in evaluation mode.
    """
    model.eval()
    parts = []
    for block in torch.arange(len(features)).split(64):
        output = model(features[block].to(model.feature_mean.device))
        parts.append((output.local_coordinates.cpu(), output.global_coordinates.cpu(), output.error.cpu()))
    return Places(*(torch.cat(part) for part in zip(*parts, strict=True)))
