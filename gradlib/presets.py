"""Named models with their true sizes: the paper's, the released code's, Table 6's, and one for two cores."""

from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from gradlib.errors import InputError
from gradlib.model import GRAD, GradConfig

# width and blocks are those of psi at C = 216; a preset keeps the ratio to C for other backbones
PRESETS: dict[str, GradConfig] = {
    "grad": GradConfig(),  # the paper's words and the first release: 7 basic blocks at 2C
    "crad": GradConfig(fusion="mobile", blocks=11, width=864),  # the final release
    "crad-s": GradConfig(fusion="mobile", blocks=11, width=216),  # its small variant
    "table6": GradConfig(blocks=7, width=288),  # the nearest to Table 6's 13.8 M and 17.4 G for GRAD
    "lite": GradConfig(fusion="slim", blocks=3, width=64, standardise=True, mse_threshold=0.25),  # ours, for two cores
}


def preset_config(preset: str, *, channels: int, map_size: tuple[int, int]) -> GradConfig:
    """The named preset for features of (channels, *map_size). Raises InputError for an unknown name."""
    if preset not in PRESETS:
        raise InputError(f'preset "{preset}" is unknown: choose one of {", ".join(PRESETS)}')
    config = PRESETS[preset]
    width = config.width if config.fusion == "slim" else config.width * channels // config.channels
    return replace(config, channels=channels, map_size=map_size, width=width)


@dataclass(frozen=True)
class Complexity:
    """Counts for one image, the backbone apart."""

    parameters: int
    flops: int  # 2 x multiply-add


def complexity(model: GRAD) -> Complexity:
    """Count what the model really has and does, by torch's own FLOP counter (lookups, which it cannot see, are free)."""
    x = torch.zeros(1, model.config.channels, *model.config.map_size, device=model.feature_mean.device)
    training = model.training
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(x)
    model.train(training)
    return Complexity(sum(p.numel() for p in model.parameters()), counter.get_total_flops())
