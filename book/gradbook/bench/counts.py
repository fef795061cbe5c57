"""What a model costs: its counts, the paper's Table 6 to stand beside, and the record of `gradbook.bench.cost`.

Explained in {ref}`ch-cost`.
"""

from dataclasses import dataclass, replace

import timm
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from gradbook.study.catalogue import UNIAD_TRAINING
from gradbook.study.methods.uniad import UniAD, UniadConfig
from gradbook.study.model_counts import ModelCounts, count_model
from gradlib.config import GradConfig, TrainConfig
from gradlib.errors import InputError
from gradlib.features.backbones import Net
from gradlib.model import GRAD
from gradlib.presets import PRESETS, preset_config

LITE0_CHANNELS = 152  # C of EfficientNet-Lite0, the backbone that `lite` is used with


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


def counted(config: GradConfig | UniadConfig) -> ModelCounts:
    """Parameters and FLOPs for one image, the backbone apart; GRAD's without computing anything."""
    if isinstance(config, UniadConfig):
        return count_model(UniAD(config))  # its mask is built from values, so tensors without any will not do
    with FakeTensorMode():
        return count_model(GRAD(config))


def backbone_counted(name: str = "tf_efficientnet_b4", image_size: int = 224, blocks: int | None = None) -> ModelCounts:
    """Parameters and FLOPs of a timm EfficientNet for one image: the whole classifier, or up to its first `blocks`."""
    with torch.device("meta"):
        net: Net = timm.create_model(name, pretrained=False)
        image = torch.empty(1, 3, image_size, image_size)
    if blocks is not None:
        net = nn.Sequential(net.conv_stem, net.bn1, *net.blocks[:blocks])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(image)
    return ModelCounts(sum(p.numel() for p in net.parameters()), counter.get_total_flops())


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
