"""Named models with their schedules: the paper's, the released code's, Table 6's, and one for two cores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gradlib.config import RELEASED, GradConfig, TrainConfig
from gradlib.errors import InputError

RELEASED_TRAINING = TrainConfig(epochs=50, batch_size=16, drops=(0.8,), clip_norm=0.1)


class HasShape(Protocol):
    """Features that know their shape (N, C, H, W)."""

    @property
    def shape(self) -> Sequence[int]: ...


@dataclass(frozen=True)
class Preset:
    """A model for C = 216 at 28 x 28 (other C keep the ratio of widths) and how to train it."""

    model: GradConfig
    training: TrainConfig


PRESETS: dict[str, Preset] = {
    # the paper's text, with psi as in the first release: 7 basic blocks at 2C
    "grad": Preset(GradConfig(), TrainConfig()),
    # the final release, with its settings wherever they differ from the paper's
    "crad": Preset(replace(RELEASED, fusion="mobile", blocks=11, width=864), RELEASED_TRAINING),
    "crad-s": Preset(replace(RELEASED, fusion="mobile", blocks=11, width=216), RELEASED_TRAINING),
    # as "grad", with the width that comes nearest to the 13.8 M parameters and 17.4 GFLOPs of Table 6
    "table6": Preset(GradConfig(width=288), TrainConfig()),
    # ours, for two cores: a slim psi on a coarse map of standardised features (k in their units)
    "lite": Preset(
        GradConfig(map_size=(14, 14), fusion="slim", blocks=1, width=128, standardise=True, mse_threshold=0.25),
        TrainConfig(epochs=12, batch_size=16, lr_nets=3e-3),
    ),
}


def named_preset(preset: str) -> Preset:
    """A preset by its name. Raises InputError for an unknown one."""
    if preset not in PRESETS:
        raise InputError(f'Preset "{preset}" is unknown: choose one of {", ".join(PRESETS)}.')
    return PRESETS[preset]


def preset_config(preset: str, features: HasShape | Sequence[int]) -> GradConfig:
    """The preset's model for some features: a FeatureCache or tensor (N, C, H, W), or their shape (C, H, W).

    Raises InputError for an unknown name.
    """
    config = named_preset(preset).model
    shape = features if isinstance(features, Sequence) else features.shape
    C, H, W = shape[-3:]
    width = config.width if config.fusion == "slim" else config.width * C // config.channels
    return replace(config, channels=C, map_size=(H, W), width=width)


def preset_training(preset: str, *, epochs: int | None = None, seed: int = 0) -> TrainConfig:
    """The preset's schedule, for another number of epochs if given. Raises InputError for an unknown name."""
    training = named_preset(preset).training
    return replace(training, epochs=training.epochs if epochs is None else epochs, seed=seed)
