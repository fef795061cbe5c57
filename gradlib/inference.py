"""A trained model applied to the features of many images, block by block."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gradlib.model import GRAD
from gradlib.standardise import FeatureModel, Features

BLOCK = 64  # images at a time


def in_blocks(features: Features, size: int = BLOCK) -> Iterator[Tensor]:
    """All features in their order, (n, C, H, W) with n at most `size`."""
    for block in torch.arange(len(features)).split(size):
        yield features[block]


class ModelRun(NamedTuple):
    """What a GRAD model computes from N images, on the CPU."""

    v_l: Tensor  # (N, C_l, H, W), in (-1, 1); C_l = 0 without a local grid
    v_g: Tensor  # (N, C_g), in (-1, 1); C_g = 0 without a global grid
    d: Tensor  # (N, H, W), Eq. 8


@torch.no_grad()  # not inference mode, so that callers can use these tensors in autograd
def run_model(model: GRAD, features: Features) -> ModelRun:
    """Coordinates and distances of N images; features: rows (C, H, W), raw. Puts the model in evaluation mode.

    v_l, v_g, d = run_model(model, features)
    """
    model.eval()
    C_l = model.config.local_dim if model.config.local_memory == "grid" else 0
    C_g = model.config.global_dim if model.config.global_memory == "grid" else 0
    outputs = []
    for x in in_blocks(features):
        output = model(x.to(model.feature_mean.device))
        coordinates = output.local_coordinates[:, :C_l], output.global_coordinates.flatten(1)[:, :C_g]
        outputs.append([tensor.cpu() for tensor in (*coordinates, output.error)])
    return ModelRun(*(torch.cat(parts) for parts in zip(*outputs, strict=True)))


@torch.inference_mode()
def distances(model: FeatureModel, features: Features) -> Tensor:
    """d (N, H, W) of N images by any model of features, on the CPU (Eq. 8). Puts the model in evaluation mode."""
    model.eval()
    return torch.cat([model(x.to(model.feature_mean.device)).error.cpu() for x in in_blocks(features)])
