"""From a feature map to coordinates (v of Eq. 2 and 3), and the jitter that spreads them during training."""

import torch
from torch import Tensor, nn

from gradlib.config import JitterPer
from gradlib.errors import InputError
from gradlib.processes import ALONE, Shard


class LocalCoordinates(nn.Module):
    """v^l: the C channels of each patch to C_l coordinates in (-1, 1), by 1x1 convolutions and tanh (Section 3.1).

    x: (B, C, H, W) -> (B, C_l, H, W). Two layers, tanh after each, as in the released code.
    """

    def __init__(self, C: int, C_l: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(C, C, 1), nn.Tanh(), nn.Conv2d(C, C_l, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class GlobalCoordinates(nn.Module):
    """v^g: the image's mean feature to C_g coordinates in (-1, 1), by average pooling and linear layers (Section 3.1).

    x: (B, C, H, W) -> (B, C_g).
    """

    def __init__(self, C: int, C_g: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(C, C), nn.Tanh(), nn.Linear(C, C_g), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.mean(dim=(2, 3)))  # (B, C) -> (B, C_g)


def jitter(
    c: Tensor,
    *,
    std: float = 0.05,
    fraction: float = 0.5,
    per: JitterPer = "pixel",
    generator: torch.Generator | None = None,
    shard: Shard = ALONE,
) -> Tensor:
    """Add Gaussian noise to local coordinates while training: c + std * noise on some pixels (Section 3.3, Appendix A).

    Implements {eq}`eq-jitter`. c: (B, C_l, H, W), same shape back; std in units of the coordinate range [-1, 1].
    per="pixel": each pixel is moved with probability `fraction` (the paper); per="batch": one draw moves all pixels of
    the batch or none (the released code). shard = (rank, world_size), if the batch is split across processes and c is
    one part: the noise is drawn for the whole batch, so that processes agree. Raises InputError for another `per`.
    Explained in {ref}`ch-jitter`.
    """
    rank, world_size = shard
    B, C_l, *place = c.shape
    shapes: dict[str, tuple[int, ...]] = {"pixel": (B * world_size, 1, *place), "batch": (1, 1, 1, 1)}
    if per not in shapes:
        raise InputError(f'Jitter per "{per}" is unknown: choose "pixel" (the paper) or "batch" (the released code).')
    moved = torch.rand(shapes[per], device=c.device, generator=generator) < fraction  # (B, 1, H, W) or all 1
    noise = torch.randn(B * world_size, C_l, *place, device=c.device, generator=generator)  # (B, C_l, H, W)
    if world_size > 1:
        noise, moved = noise[rank::world_size], moved[rank::world_size] if per == "pixel" else moved
    return c + std * noise * moved
