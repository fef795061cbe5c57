"""Receptive fields: which pixels of a photograph a place of a stage's map can see, and how much each of them counts."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

from gradlib.errors import InputError
from gradlib.features.backbones import Backbone


class Layer(NamedTuple):
    """A convolution or pooling along one axis: kernel and step in pixels of its input, zeros put before the first."""

    kernel: int
    step: int
    before: int


class Field(NamedTuple):
    """What place j of a map sees along one axis: `size` pixels around `stride` * j + `centre`, ends included."""

    size: int
    stride: int
    centre: float

    def window(self, place: int) -> tuple[int, int]:
        """First and last pixel that place can see; a photograph's border may cut it."""
        first = self.stride * place + self.centre - (self.size - 1) / 2
        return round(first), round(first) + self.size - 1


def receptive_field(layers: Iterable[Layer]) -> Field:
    """The field behind a chain of layers, first layer first (Eq. {eq}`eq-receptive`).

    Explained in {ref}`ch-features`.
    """
    size, stride, centre = 1, 1, 0.0
    for kernel, step, before in layers:
        centre += ((kernel - 1) / 2 - before) * stride
        size += (kernel - 1) * stride
        stride *= step
    return Field(size, stride, centre)


def layers_of(backbone: Backbone, image_size: int) -> list[list[Layer]]:
    """All layers before the end of each chosen stage, of a network that is a chain of convolutions (EfficientNets).

    SAME padding depends on the input's size, so that a photograph of this size is sent through. A pooling over the
    whole map (squeeze-and-excitation) is left out: behind one, everything is seen a little. Raises InputError for other
    networks.
    """
    net = backbone.net
    if not hasattr(net, "conv_stem"):
        raise InputError(f"{backbone.name} is no chain of convolutions: choose an EfficientNet.")
    found: list[Layer] = []
    ends: list[list[Layer]] = []
    hooks = [
        module.register_forward_hook(lambda layer, given, _: found.append(_layer(layer, given[0].shape[-1])))
        for module in net.modules()
        if isinstance(module, nn.Conv2d) and (max(module.kernel_size) > 1 or max(module.stride) > 1)
    ]
    for info in net.feature_info.get_dicts():
        stage = net.get_submodule(info["module"])
        hooks.append(stage.register_forward_hook(lambda *_: ends.append(list(found))))
    try:
        backbone(torch.zeros(1, 3, image_size, image_size))
    finally:
        for hook in hooks:
            hook.remove()
    return ends


def _layer(layer: nn.Conv2d, size: int) -> Layer:
    """Its numbers along the last axis, for an input of this size."""
    kernel, step = layer.kernel_size[-1], layer.stride[-1]
    if isinstance(layer, Conv2dSame):
        return Layer(kernel, step, max((-(-size // step) - 1) * step + kernel - size, 0) // 2)
    return Layer(kernel, step, int(layer.padding[-1]))


def influence(
    backbone: Backbone, image: Tensor, stage: int, place: tuple[int, int], *, probes: int = 8, seed: int = 0
) -> Tensor:
    """How strongly each pixel of image (3, S, S) acts on one place of a stage's map: (S, S), squared gradients.

    Summed over channels and colours. The sum over channels is estimated by `probes` random signs, since the square of a
    gradient of a signed sum is on average the sum of the squared gradients. stage: its number in the backbone's output.
    """
    images = image.expand(probes, -1, -1, -1).clone().requires_grad_()  # (probes, 3, S, S)
    with torch.enable_grad():
        found = backbone.net(images)[stage][:, :, place[0], place[1]]  # (probes, C_i)
        signs = torch.randint(0, 2, found.shape, generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
        (gradient,) = torch.autograd.grad((signs * found).sum(), images)
    return gradient.square().mean(dim=0).sum(dim=0)  # (S, S)


def share_by_side(weights: Tensor, centre: tuple[float, float]) -> Tensor:
    """The share of all weights (S, S) in the squares of 1, 3, 5, ... pixels around `centre` (row, column): (n,)."""
    rows, columns = (torch.arange(size) - round(at) for size, at in zip(weights.shape, centre, strict=True))
    ring = torch.maximum(rows.abs()[:, None], columns.abs())  # (S, S)
    rings = torch.bincount(ring.flatten(), weights.flatten().double())  # (n,)
    return rings.cumsum(0) / rings.sum()


def side_of_share(weights: Tensor, centre: tuple[float, float], share: float) -> int:
    """Side in pixels of the smallest square around `centre` that holds this share of all weights (S, S)."""
    return 2 * int((share_by_side(weights, centre) < share).sum()) + 1


@torch.no_grad()
def occlusion(
    backbone: Backbone, image: Tensor, std: Tensor, *, patch: int = 8, map_size: int = 14, batch: int = 4
) -> Tensor:
    """How much x changes where when one patch of image (3, S, S) is painted in the image's mean colour.

    std: (C,), the unit of each channel. Returns (stages, P, P, map_size, map_size) with P = S // patch: the root mean
    square over the stage's channels of the change of x. Raises InputError unless `patch` divides S.
    """
    S = image.shape[-1]
    P = S // patch
    if P * patch != S:
        raise InputError(f"Patches of {patch} pixels do not tile a photograph of {S}: choose a divisor.")
    sizes = backbone.net.feature_info.channels()
    whole = backbone.features(image[None], map_size)  # (1, C, H, W)
    grey = image.mean(dim=(1, 2))[:, None, None]  # (3, 1, 1)
    changes = []
    for numbers in torch.arange(P * P).split(batch):
        covered = image.repeat(len(numbers), 1, 1, 1)  # (b, 3, S, S)
        for one, number in zip(covered, numbers.tolist(), strict=True):
            row, column = patch * (number // P), patch * (number % P)
            one[:, row : row + patch, column : column + patch] = grey
        change = (backbone.features(covered, map_size) - whole) / std[:, None, None]  # (b, C, H, W)
        changes.append(torch.stack([part.square().mean(dim=1).sqrt() for part in change.split(sizes, dim=1)]))
    return torch.cat(changes, dim=1).unflatten(1, (P, P))  # (stages, P, P, H, W)


def mirrored_change(backbone: Backbone, images: Tensor, margin: int) -> list[Tensor]:
    """How each stage changes where mirror images of images (B, 3, S, S) stand in place of the zeros at the border.

    margin: pixels mirrored on each side, a multiple of every stage's stride, less than S. Returns the change of each
    stage, each (B, C_i, H_i, W_i), in the backbone's units.
    """
    wide = backbone(F.pad(images, [margin] * 4, mode="reflect"))
    changes = []
    for plain, large in zip(backbone(images), wide, strict=True):
        cut = (large.shape[-1] - plain.shape[-1]) // 2
        changes.append(large[:, :, cut:-cut, cut:-cut] - plain)
    return changes
