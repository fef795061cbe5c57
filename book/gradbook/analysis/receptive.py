"""Receptive fields: which pixels of an image affect a place of a stage's map, and how strongly each of them does."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

from gradlib.errors import InputError
from gradlib.features.backbones import Backbone


class Convolution(NamedTuple):
    """A convolution or pooling along one axis: kernel and step in pixels, and the zeros before the first pixel."""

    kernel: int
    step: int
    before: int


class Field(NamedTuple):
    """The receptive field of place j along one axis: `size` pixels centred at `stride` * j + `centre`."""

    size: int
    stride: int
    centre: float

    def window(self, place: int) -> tuple[int, int]:
        """First and last pixel of the field; they may lie outside the image."""
        first = self.stride * place + self.centre - (self.size - 1) / 2
        return round(first), round(first) + self.size - 1


def receptive_field(chain: Iterable[Convolution]) -> Field:
    """The receptive field of a chain of convolutions, first one first (Eq. {eq}`eq-receptive`).

        receptive_field([Convolution(3, 2, 1)]).window(5)  # (9, 11)

    Explained in {ref}`ch-features`.
    """
    size, stride, centre = 1, 1, 0.0
    for kernel, step, before in chain:
        centre += ((kernel - 1) / 2 - before) * stride
        size += (kernel - 1) * stride
        stride *= step
    return Field(size, stride, centre)


def convolution_chains(backbone: Backbone, image_size: int) -> list[list[Convolution]]:
    """For each stage of a network that is a chain of convolutions (EfficientNets), all convolutions up to its end.

    The network is run on an image of image_size x image_size pixels, since SAME padding depends on the size. Global
    pooling (squeeze-and-excitation) is ignored: behind it, every pixel has a small effect on every place. Raises
    InputError for other networks.
    """
    net = backbone.net
    if not hasattr(net, "conv_stem"):
        raise InputError(f"{backbone.name} is not a chain of convolutions: choose an EfficientNet.")
    convolutions: list[Convolution] = []
    chains: list[list[Convolution]] = []
    hooks = [
        module.register_forward_hook(
            lambda module, inputs, _: convolutions.append(_last_axis(module, inputs[0].shape[-1]))
        )
        for module in net.modules()
        if isinstance(module, nn.Conv2d) and (max(module.kernel_size) > 1 or max(module.stride) > 1)
    ]
    for info in net.feature_info.get_dicts():
        stage = net.get_submodule(info["module"])
        hooks.append(stage.register_forward_hook(lambda *_: chains.append(list(convolutions))))
    try:
        backbone(torch.zeros(1, 3, image_size, image_size))
    finally:
        for hook in hooks:
            hook.remove()
    return chains


def _last_axis(module: nn.Conv2d, size: int) -> Convolution:
    """A convolution along its last axis, for an input of this size."""
    kernel, step = module.kernel_size[-1], module.stride[-1]
    if isinstance(module, Conv2dSame):
        return Convolution(kernel, step, max((-(-size // step) - 1) * step + kernel - size, 0) // 2)
    return Convolution(kernel, step, int(module.padding[-1]))


def influence(
    backbone: Backbone, image: Tensor, stage: int, place: tuple[int, int], *, probes: int = 8, seed: int = 0
) -> Tensor:
    """The influence of each pixel of image (3, S, S) on one place of a stage's map: squared gradients, (S, S).

    They are summed over channels and colours. The sum over channels is estimated from `probes` random signs: the
    squared gradient of a sum with random signs is on average the sum of the squared gradients. stage: its index among
    the backbone's outputs; place: row and column.
    """
    images = image.expand(probes, -1, -1, -1).clone().requires_grad_()  # (probes, 3, S, S)
    with torch.enable_grad():
        values = backbone.net(images)[stage][:, :, place[0], place[1]]  # (probes, C_i)
        signs = torch.randint(0, 2, values.shape, generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
        (gradient,) = torch.autograd.grad((signs * values).sum(), images)
    return gradient.square().mean(dim=0).sum(dim=0)  # (S, S)


def share_by_side(weights: Tensor, centre: tuple[float, float]) -> Tensor:
    """The share of all weight (S, S) inside squares of 1, 3, 5, ... pixels around `centre` (row, column): (n,)."""
    rows, columns = (torch.arange(size) - round(at) for size, at in zip(weights.shape, centre, strict=True))
    ring = torch.maximum(rows.abs()[:, None], columns.abs())  # (S, S)
    rings = torch.bincount(ring.flatten(), weights.flatten().double())  # (n,)
    return rings.cumsum(0) / rings.sum()


def side_of_share(weights: Tensor, centre: tuple[float, float], share: float) -> int:
    """Side, in pixels, of the smallest square around `centre` that holds this share of all weight (S, S)."""
    return 2 * int((share_by_side(weights, centre) < share).sum()) + 1


@torch.no_grad()
def occlusion(
    backbone: Backbone, image: Tensor, std: Tensor, *, patch: int = 8, map_size: int = 14, batch: int = 4
) -> Tensor:
    """How much x changes at each place when one patch of image (3, S, S) is covered by the image's mean colour.

    std: (C,), each channel's standard deviation, the unit of the changes. Returns (stages, P, P, map_size, map_size)
    with P = S // patch: the root mean square over the channels of a stage. Raises InputError unless `patch` divides S.
    """
    S = image.shape[-1]
    P = S // patch
    if P * patch != S:
        raise InputError(f"Patches of {patch} pixels do not tile an image of {S} pixels: choose a divisor of {S}.")
    sizes = backbone.net.feature_info.channels()
    x = backbone.features(image[None], map_size)  # (1, C, H, W)
    grey = image.mean(dim=(1, 2))[:, None, None]  # (3, 1, 1)
    changes = []
    for numbers in torch.arange(P * P).split(batch):
        covered = image.repeat(len(numbers), 1, 1, 1)  # (b, 3, S, S)
        for one, number in zip(covered, numbers.tolist(), strict=True):
            row, column = patch * (number // P), patch * (number % P)
            one[:, row : row + patch, column : column + patch] = grey
        change = (backbone.features(covered, map_size) - x) / std[:, None, None]  # (b, C, H, W)
        changes.append(torch.stack([stage.square().mean(dim=1).sqrt() for stage in change.split(sizes, dim=1)]))
    return torch.cat(changes, dim=1).unflatten(1, (P, P))  # (stages, P, P, H, W)


def mirror_padding_changes(backbone: Backbone, images: Tensor, margin: int) -> list[Tensor]:
    """How each stage changes when images (B, 3, S, S) are padded by their mirror image instead of zeros.

    margin: pixels of padding on each side, a multiple of every stage's stride and less than S. Returns the change of
    each stage, (B, C_i, H_i, W_i), in the backbone's units.
    """
    padded = backbone(F.pad(images, [margin] * 4, mode="reflect"))
    changes = []
    for plain, large in zip(backbone(images), padded, strict=True):
        cut = (large.shape[-1] - plain.shape[-1]) // 2
        changes.append(large[:, :, cut:-cut, cut:-cut] - plain)
    return changes
