"""What a model costs: its counts, the paper's Table 6 to stand beside, and the record of `benchmarks.cost`.

Explained in {ref}`ch-cost`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from gradlib.backbones import Net
from gradlib.errors import InputError
from gradlib.model import GRAD, GradConfig
from gradlib.paths import results_folder
from gradlib.presets import PRESETS, UNIAD_TRAINING, Complexity, complexity, preset_config
from gradlib.train import TrainConfig
from gradlib.uniad import UniAD, UniadConfig

__all__ = [
    "TABLE_6",
    "backbone_counted",
    "configurations",
    "convolution_flops",
    "counted",
    "quartiles",
    "ratio",
    "read_cost",
    "search_flops",
    "summary",
]

SCHEMA = 1  # of the record, under its key "cost"
RECORD = "cost/cost.json"  # in gradlib.paths.results_folder()
LITE0_CHANNELS = 152  # C of EfficientNet-Lite0, the backbone that `lite` is used with
MAKE = "`python -m benchmarks.cost` makes it in a few minutes."


@dataclass(frozen=True)
class Published:
    """A row of the paper's Table 6: what it prints is certain to half a unit of the last digit, `ROUNDING`."""

    gflops: float
    millions: float  # of parameters
    epochs: int


ROUNDING = 0.05
TABLE_6 = {
    "UniAD": Published(6.5, 7.5, 1000),
    "GRAD-S": Published(5.1, 6.2, 100),
    "GRAD": Published(17.4, 13.8, 100),
}


def configurations() -> dict[str, GradConfig | UniadConfig]:
    """The models that the cost chapter compares, by name; all at the paper's C and map but `lite` and UniAD."""
    grad = PRESETS["grad"].model
    return {
        "grad": grad,
        "grad, half width": replace(grad, width=grad.width // 2),
        "table6": PRESETS["table6"].model,
        "crad": PRESETS["crad"].model,
        "crad-s": PRESETS["crad-s"].model,
        "lite": preset_config("lite", channels=LITE0_CHANNELS, map_size=PRESETS["lite"].model.map_size),
        "uniad": UniadConfig(),
    }


def model_named(name: str) -> GRAD | UniAD:
    """An untrained model of `configurations()`. Raises InputError for an unknown name."""
    found = configurations()
    if name not in found:
        raise InputError(f'Model "{name}" is unknown: choose one of {", ".join(found)}.')
    config = found[name]
    return UniAD(config) if isinstance(config, UniadConfig) else GRAD(config)


def training_named(name: str) -> TrainConfig:
    """The schedule that goes with a model of `configurations()`."""
    return UNIAD_TRAINING if name == "uniad" else PRESETS[name.split(",")[0]].training


def counted(config: GradConfig | UniadConfig) -> Complexity:
    """Parameters and FLOPs for one image, the backbone apart; GRAD's without computing anything."""
    if isinstance(config, UniadConfig):
        return complexity(UniAD(config))  # its mask is built from values, so tensors without any will not do
    with FakeTensorMode():
        return complexity(GRAD(config))


def backbone_counted(name: str = "tf_efficientnet_b4", image_size: int = 224, blocks: int | None = None) -> Complexity:
    """Parameters and FLOPs of a timm EfficientNet for one image: the whole classifier, or up to its first `blocks`."""
    with torch.device("meta"):
        net: Net = timm.create_model(name, pretrained=False)
        image = torch.empty(1, 3, image_size, image_size)
    if blocks is not None:
        net = nn.Sequential(net.conv_stem, net.bn1, *net.blocks[:blocks])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(image)
    return Complexity(sum(p.numel() for p in net.parameters()), counter.get_total_flops())


def convolution_flops(kernel: int, C_in: int, C_out: int, H: int, W: int) -> int:
    """FLOPs of a dense convolution at H x W places, 2 kernel^2 C_in C_out H W (Eq. {eq}`eq-flops`).

    Each weight multiplies and adds once at every place.
    """
    return 2 * kernel**2 * C_in * C_out * H * W


def search_flops(patches: int, entries: int, C: int) -> int:
    """FLOPs of all scalar products of an image's patches with a memory's entries, 2 C patches entries.

    Eq. {eq}`eq-search`, where the image has H W patches and the memory M entries.
    """
    return 2 * C * patches * entries


def quartiles(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, middle, high = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    """(rounds,) ours over theirs, round by round: both were measured in turn, so slow minutes of a machine cancel."""
    return np.asarray(ours, float) / np.asarray(theirs, float)


def summary(rounds: Sequence[float]) -> dict[str, Any]:
    """Seconds of several rounds as the record keeps them."""
    low, middle, high = quartiles(rounds)
    return {"median": middle, "quartiles": [low, high], "rounds": list(rounds)}


def read_cost(path: Path | None = None) -> dict[str, Any]:
    """The record of `benchmarks.cost`. Raises InputError if it is missing or of another kind."""
    return read_measured(results_folder() / RECORD if path is None else path, "cost", SCHEMA, MAKE)


def read_measured(path: Path, kind: str, schema: int, make: str) -> dict[str, Any]:
    """A record that a benchmark wrote: its key `kind` holds `schema`, and `make` says how to make it.

    Raises InputError if it is missing, no JSON, or of another kind.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no record of {kind} at {path}: {make}") from None
    except ValueError as error:
        raise InputError(f"{path} is no valid JSON ({error}): delete it; {make}") from error
    if not isinstance(record, dict) or record.get(kind) != schema:
        raise InputError(f"{path} is no record of {kind} of this version ({kind} {schema}): delete it; {make}")
    return record
