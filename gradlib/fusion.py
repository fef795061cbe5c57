"""psi: the convolutional network that fuses the local and the global feature into f^n (Eq. 4)."""

from itertools import pairwise

from torch import Tensor, nn

from gradlib.config import FusionKind
from gradlib.errors import InputError


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016); a 1x1 shortcut where the width changes.

    (B, C_in, H, W) -> (B, C_out, H, W).
    """

    def __init__(self, C_in: int, C_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(C_in, C_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(C_out)
        self.conv2 = nn.Conv2d(C_out, C_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C_out)
        same = C_in == C_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(C_in, C_out, 1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, f: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(f)))
        return self.relu(self.bn2(self.conv2(out)) + self.shortcut(f))


class SqueezeExcitation(nn.Module):
    """Weigh each channel by a number in [0, 1] computed from all channels' means (Hu et al. 2018).

    (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, C: int, squeezed: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(C, squeezed, bias=False), nn.ReLU(), nn.Linear(squeezed, C, bias=False), nn.Hardsigmoid()
        )

    def forward(self, f: Tensor) -> Tensor:
        patches = f.permute(0, 2, 3, 1).flatten(1, 2)  # (B, HW, C): so the mean's gradient lies in memory as f does
        return f * self.layers(patches.mean(dim=1))[:, :, None, None]  # (B, C, H, W)


class MobileBottleneck(nn.Module):
    """Widen 1x1, depthwise 3x3, weigh channels, narrow 1x1, add the input (Howard et al. 2019), as the final release.

    (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, C: int, inner_channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(C, inner_channels, 1, bias=False),
            nn.BatchNorm2d(inner_channels),
            nn.Hardswish(),
            nn.Conv2d(inner_channels, inner_channels, 3, padding=1, groups=inner_channels, bias=False),
            nn.BatchNorm2d(inner_channels),
            SqueezeExcitation(inner_channels, inner_channels // 4),
            nn.Hardswish(),
            nn.Conv2d(inner_channels, C, 1, bias=False),
            nn.BatchNorm2d(C),
        )

    def forward(self, f: Tensor) -> Tensor:
        return f + self.layers(f)


def fusion_network(kind: FusionKind, C: int, *, blocks: int, width: int, inputs: int = 2) -> nn.Sequential:
    """psi: (B, 2C, H, W) -> (B, C, H, W), same height and width throughout (Eq. 4).

    "basic": `blocks` basic blocks, the first going from 2C to `width`, then 1x1 to C. With width = 2C it "maintains the
    number of channels" as the paper says. "mobile": `blocks` bottlenecks at 2C that widen to `width`, then 1x1 to C.
    "slim": 1x1 to `width` first, so that no 3x3 convolution sees 2C channels. inputs: 2, or 1 for a model with one
    memory, whose input has C channels. Raises InputError for another kind.
    """
    C_in = inputs * C
    if kind == "basic":
        widths = [C_in] + [width] * blocks
        body: list[nn.Module] = [BasicBlock(a, b) for a, b in pairwise(widths)]
    elif kind == "mobile":
        body = [MobileBottleneck(C_in, width) for _ in range(blocks)]
        width = C_in
    elif kind == "slim":
        body = [nn.Conv2d(C_in, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        body += [BasicBlock(width, width) for _ in range(blocks)]
    else:
        raise InputError(f'Fusion "{kind}" is unknown: choose "basic", "mobile" or "slim".')
    return nn.Sequential(*body, nn.Conv2d(width, C, 1, bias=False))
