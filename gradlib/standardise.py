"""Features in units of the training normals' spread."""

from typing import Protocol

import torch
from torch import Tensor, nn

from gradlib.errors import InputError
from gradlib.features.cache import FeatureCache


class Sized(Protocol):
    """A configuration that says which features a model takes."""

    @property
    def channels(self) -> int: ...
    @property
    def map_size(self) -> tuple[int, int]: ...


class FeatureModel(nn.Module):
    """A model of features (B, C, H, W), which it measures in units of its own buffers: 0 and 1 until they are set."""

    feature_mean: Tensor
    feature_std: Tensor

    def __init__(self, config: Sized):
        super().__init__()
        self.shape = (config.channels, *config.map_size)
        self.register_buffer("feature_mean", torch.zeros(config.channels))
        self.register_buffer("feature_std", torch.ones(config.channels))

    def set_feature_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Store the training normals' statistics (C,), which forward() then measures all features in."""
        self.feature_mean.copy_(mean)
        self.feature_std.copy_(floored(std))

    def standardised(self, x: Tensor) -> Tensor:
        """Features (B, C, H, W) in the model's units. Raises InputError if they do not have its shape."""
        if x.shape[1:] != self.shape:
            raise InputError(
                f"Features of shape {tuple(x.shape)} do not fit a model for {('B', *self.shape)}: "
                "check backbone and map size."
            )
        return (x - self.feature_mean[:, None, None]) / self.feature_std[:, None, None]


def floored(std: Tensor) -> Tensor:
    """Deviations to divide by, not below a millionth of the largest: a channel may never change on normal images."""
    return std.clamp_min(1e-6 * float(std.max()))


class Features(Protocol):
    """Features by image number: a tensor, a FeatureCache, anything indexed alike; rows are (C, H, W) float32."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Tensor) -> Tensor: ...


STATISTICS_BLOCK = 32  # images at a time: 43 MB in float64 for the paper's 216 x 28 x 28


def channel_statistics(cache: FeatureCache) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, each (C,) float32, of every channel over all samples and places.

    Summed in float64 and in two passes, block by block; the deviation divides by N H W, and is 0 for a constant
    channel.
    """
    n = len(cache)
    blocks = [range(first, min(first + STATISTICS_BLOCK, n)) for first in range(0, n, STATISTICS_BLOCK)]
    count = n * cache.shape[2] * cache.shape[3]
    total = torch.zeros(cache.channels, dtype=torch.float64)
    for block in blocks:
        total += cache[block].double().sum((0, 2, 3))
    mean = total / count  # (C,)
    squares = torch.zeros_like(total)
    for block in blocks:
        squares += (cache[block].double() - mean[:, None, None]).square().sum((0, 2, 3))
    return mean.float(), (squares / count).sqrt().float()
