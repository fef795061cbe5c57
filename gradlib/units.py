"""What GRAD and UniAD share: a configuration kept as JSON, and features in units of the training normals' spread."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from gradlib.errors import InputError

__all__ = []


class StoredConfig:
    """A dataclass with a `map_size`, as plain JSON types and back."""

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The configuration stored with a model. Raises InputError on fields that this version does not know."""
        unknown = sorted(set(fields) - set(cls.__dataclass_fields__))  # type: ignore[attr-defined]
        if unknown:
            raise InputError(
                f"The model's configuration has unknown fields {unknown}: it was saved by another version of gradlib."
            )
        return cls(**{**fields, "map_size": tuple(fields["map_size"])})

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        fields = asdict(self)  # type: ignore[call-overload]
        return {**fields, "map_size": list(fields["map_size"])}


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
