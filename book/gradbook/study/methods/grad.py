"""GRAD as a method of the study."""

from typing import Any

import torch
from torch import Tensor

from gradbook.study.experiment import Experiment
from gradbook.study.methods.uniad import UniAD
from gradlib.config import changed
from gradlib.features.cache import FeatureCache
from gradlib.model import GRAD
from gradlib.presets import preset_config


@torch.inference_mode()
def saturation(model: GRAD | UniAD, features: FeatureCache, device: torch.device) -> dict[str, float]:
    """The share of coordinates beyond ±0.99, where tanh hardly moves any more; of a model that has such grids."""
    if not isinstance(model, GRAD):
        return {}
    grids = [name for name in ("local", "global") if getattr(model.config, f"{name}_memory") == "grid"]
    found: dict[str, list[Tensor]] = {name: [] for name in grids}
    for block in torch.arange(len(features)).split(64):
        out = model(features[block].to(device))
        for name in grids:
            found[name].append((getattr(out, f"{name}_coordinates").abs() > 0.99).float().cpu())
    return {name: round(float(torch.cat(parts).mean()), 4) for name, parts in found.items()}


def grad_config(experiment: "Experiment", train: FeatureCache) -> Any:
    """The preset's configuration for these features with the experiment's changes."""
    config = preset_config(experiment.preset, channels=train.channels, map_size=(train.shape[2], train.shape[3]))
    return changed(config, experiment.model, "MODEL")
