"""Features in units of the training normals' spread, for models that are configured to see them so."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gradlib.config import TrainConfig
from gradlib.errors import InputError

STATISTICS_BLOCK = 32  # images at a time: 43 MB in float64 for the paper's 216 x 28 x 28


class Features(Protocol):
    """Features by image number: a tensor, a FeatureCache or anything indexed alike; rows are (C, H, W) float32."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Tensor) -> Tensor: ...


class FeatureModelConfig(Protocol):
    """What every configuration of a feature model says."""

    @property
    def channels(self) -> int: ...
    @property
    def map_size(self) -> tuple[int, int]: ...
    @property
    def standardise(self) -> bool: ...
    def to_dict(self) -> dict[str, Any]: ...


class FeatureModel(nn.Module):
    """What `fit` trains: a model of features (B, C, H, W) whose output has a `loss` and an `error`.

    With config.standardise it sees features in the spread of the training normals, whose statistics are buffers saved
    with the weights: mean 0 and deviation 1 until `prepare` measures them.
    """

    config: FeatureModelConfig
    feature_mean: Tensor
    feature_std: Tensor

    def __init__(self, config: FeatureModelConfig):
        super().__init__()
        self.shape = (config.channels, *config.map_size)
        self.register_buffer("feature_mean", torch.zeros(config.channels))
        self.register_buffer("feature_std", torch.ones(config.channels))
        self.config = config
        self.prepared = not config.standardise  # whether all that the configuration asks for has been done
        # loaded weights include the statistics and the memories
        self.register_load_state_dict_post_hook(lambda module, _: setattr(module, "prepared", True))

    def parameter_groups(self, config: TrainConfig) -> list[dict[str, Any]]:
        """The optimiser's groups, each {"params": parameters, "lr": their learning rate}."""
        return [{"params": list(self.parameters()), "lr": config.lr_nets}]

    def entries_without_gradient(self) -> int:
        """The number of numbers that are learnt without gradients, besides the parameters."""
        return 0

    @torch.no_grad()
    def prepare(self, features: Features, *, seed: int = 0) -> None:
        """Measure the statistics of the training features, if the configuration asks for it; once, before training.

        features: N training rows (C, H, W), raw. `fit` calls this; a training loop of your own must call it first.
        """
        if self.config.standardise:
            mean, std = channel_statistics(features)
            self.feature_mean.copy_(mean)
            self.feature_std.copy_(safe_std(std))
        self.prepared = True

    def standardised(self, x: Tensor) -> Tensor:
        """Features (B, C, H, W) in the model's units.

        Raises InputError if they do not have the model's shape, and while training an unprepared model.
        """
        if x.shape[1:] != self.shape:
            raise InputError(
                f"Features of shape {tuple(x.shape)} do not fit a model for {('B', *self.shape)}: "
                "check backbone and map size."
            )
        if self.training and not self.prepared:
            raise InputError(
                "The configuration asks for standardised features or for memories that start from features, "
                "but the model has not seen any: call model.prepare(features) before training."
            )
        return in_units(x, self.feature_mean, self.feature_std)


def in_units(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Features (B, C, H, W) less their mean (C,), divided by their deviation (C,)."""
    return (x - mean[:, None, None]) / std[:, None, None]


def safe_std(std: Tensor) -> Tensor:
    """Deviations (C,) to divide by, at least a millionth of the largest: a channel may be constant on normal images."""
    return std.clamp_min(1e-6 * float(std.max()))


def channel_statistics(features: Features) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, each (C,) float32, of every channel over all images and places.

    features: N rows (C, H, W). Summed in float64 and in two passes, block by block; the deviation divides by N H W
    and is 0 for a constant channel.
    """
    blocks = torch.arange(len(features)).split(STATISTICS_BLOCK)
    C, H, W = features[blocks[0][:1]].shape[1:]
    count = len(features) * H * W
    total = torch.zeros(C, dtype=torch.float64)
    for block in blocks:
        total += features[block].cpu().double().sum((0, 2, 3))
    mean = total / count  # (C,)
    squares = torch.zeros_like(total)
    for block in blocks:
        squares += (features[block].cpu().double() - mean[:, None, None]).square().sum((0, 2, 3))
    return mean.float(), (squares / count).sqrt().float()
