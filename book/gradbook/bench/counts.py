"""Parameters and FLOPs of models and searches, and the rows of the paper's Table 6. Explained in {ref}`ch-cost`."""

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
from gradlib.features.backbones import B4, Net
from gradlib.model import GRAD
from gradlib.presets import PRESETS, preset_config

LITE0_CHANNELS = 152  # C of EfficientNet-Lite0, the backbone that `lite` is used with


@dataclass(frozen=True)
class Table6Row:
    """A row of the paper's Table 6; its values are rounded, so they are exact to +-`ROUNDING`."""

    gflops: float  # for one image
    millions: float  # of parameters
    epochs: int


ROUNDING = 0.05
TABLE_6 = {
    "UniAD": Table6Row(6.5, 7.5, 1000),
    "GRAD-S": Table6Row(5.1, 6.2, 100),
    "GRAD": Table6Row(17.4, 13.8, 100),
}


def configurations() -> dict[str, GradConfig | UniadConfig]:
    """The models that the cost chapter compares, by name; all but `lite` and UniAD have the paper's C and map size."""
    grad = PRESETS["grad"].model
    return {
        "grad": grad,
        "grad, half width": replace(grad, width=grad.width // 2),
        "table6": PRESETS["table6"].model,
        "crad": PRESETS["crad"].model,
        "crad-s": PRESETS["crad-s"].model,
        "lite": preset_config("lite", (LITE0_CHANNELS, *PRESETS["lite"].model.map_size)),
        "uniad": UniadConfig(),
    }


def untrained_model(name: str) -> GRAD | UniAD:
    """A model of `configurations()`. Raises InputError for an unknown name."""
    configs = configurations()
    if name not in configs:
        raise InputError(f'Model "{name}" is unknown: choose one of {", ".join(configs)}.')
    config = configs[name]
    return UniAD(config) if isinstance(config, UniadConfig) else GRAD(config)


def training_of(name: str) -> TrainConfig:
    """The training schedule of a model of `configurations()`."""
    return UNIAD_TRAINING if name == "uniad" else PRESETS[name.split(",")[0]].training


def count_configuration(config: GradConfig | UniadConfig) -> ModelCounts:
    """Parameters and FLOPs for one image, without the backbone; for GRAD without computing anything."""
    if isinstance(config, UniadConfig):
        return count_model(UniAD(config))  # its mask is computed from values, which fake tensors do not have
    with FakeTensorMode():
        return count_model(GRAD(config))


def count_backbone(name: str = B4, image_size: int = 224, blocks: int | None = None) -> ModelCounts:
    """Parameters and FLOPs of a timm EfficientNet for one image.

    image_size: pixels on a side. blocks: count its first `blocks` stages alone; default: the complete classifier.
    """
    with torch.device("meta"):
        net: Net = timm.create_model(name, pretrained=False)
        image = torch.empty(1, 3, image_size, image_size)
    if blocks is not None:
        net = nn.Sequential(net.conv_stem, net.bn1, *net.blocks[:blocks])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(image)
    return ModelCounts(sum(p.numel() for p in net.parameters()), counter.get_total_flops())


def convolution_flops(kernel: int, C_in: int, C_out: int, H: int, W: int) -> int:
    """FLOPs of a dense convolution, 2 kernel^2 C_in C_out H W (Eq. {eq}`eq-flops`).

    Each weight is multiplied and added once at each of the H x W places.
    """
    return 2 * kernel**2 * C_in * C_out * H * W


def search_flops(patches: int, entries: int, C: int) -> int:
    """FLOPs of the scalar products of all patches of an image with all entries of a memory, 2 C patches entries.

    Eq. {eq}`eq-search`, where the image has H W patches and the memory bank M entries.
    """
    return 2 * C * patches * entries
