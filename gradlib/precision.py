"""Number types and memory layouts: what keeps the method exact and fast without being part of it."""

import torch
from torch import Tensor


def full_precision(x: Tensor) -> torch.autocast:
    """A context without autocast on x's device.

    Coordinates are differences of small numbers: bfloat16 would move patches by a tenth of a knot.
    """
    return torch.autocast(x.device.type, enabled=False)


def channels_last(x: Tensor) -> Tensor:
    """x (B, C, H, W) as float32 with the channels adjacent in memory, as the convolutions of psi read it."""
    return x.float().contiguous(memory_format=torch.channels_last)


def for_convolutions(f: Tensor) -> Tensor:
    """f (B, C, H, W) in the layout and type that psi's convolutions use here.

    Converted once; otherwise each residual addition of psi would convert it again.
    """
    device = f.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else f.dtype
    return f.to(dtype, memory_format=torch.channels_last)
