"""Named models with their schedules: the paper's, the released code's, Table 6's, and one for two cores."""

from dataclasses import dataclass, replace

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradlib.errors import InputError
from gradlib.model import GRAD, GradConfig
from gradlib.official import RELEASED
from gradlib.train import TrainConfig
from gradlib.uniad import UniAD

__all__ = ["PRESETS", "complexity", "preset_config", "preset_training"]

RELEASED_TRAINING = TrainConfig(epochs=50, batch_size=16, drops=(0.8,), clip_norm=0.1)

# You et al. 2022, Section 4.1
UNIAD_TRAINING = TrainConfig(epochs=1000, batch_size=64, lr_nets=1e-4, weight_decay=1e-4, drops=(0.8,), clip_norm=0.1)


@dataclass(frozen=True)
class Preset:
    """A model for C = 216 at 28 x 28 (other C keep the ratio of widths) and how to train it."""

    model: GradConfig
    training: TrainConfig


PRESETS: dict[str, Preset] = {
    # the paper's words, and psi as in the first release: 7 basic blocks at 2C
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


def preset_config(preset: str, *, channels: int, map_size: tuple[int, int]) -> GradConfig:
    """The preset's model for features of (channels, *map_size). Raises InputError for an unknown name."""
    config = named_preset(preset).model
    width = config.width if config.fusion == "slim" else config.width * channels // config.channels
    return replace(config, channels=channels, map_size=map_size, width=width)


def preset_training(preset: str, *, epochs: int | None = None, seed: int = 0) -> TrainConfig:
    """The preset's schedule, for another number of epochs if given. Raises InputError for an unknown name."""
    training = named_preset(preset).training
    return replace(training, epochs=training.epochs if epochs is None else epochs, seed=seed)


@dataclass(frozen=True)
class Complexity:
    """Counts for one image, the backbone apart."""

    parameters: int
    flops: int  # 2 x multiply-add


def complexity(model: GRAD | UniAD) -> Complexity:
    """Count what the model really has and does, by torch's FLOP counter (lookups, which it cannot see, are free)."""
    x = torch.zeros(1, model.config.channels, *model.config.map_size, device=model.feature_mean.device)
    training = model.training
    # the counter does not see the CPU's fused attention
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.eval()(x)
    model.train(training)
    learnt = sum(p.numel() for p in model.parameters())
    quantised = sum(
        b.numel() for name, b in model.named_buffers() if name.endswith("entries")
    )  # learnt, not by gradients
    return Complexity(learnt + quantised, counter.get_total_flops())
