"""Parameters and FLOPs of a model, counted on the model itself."""

from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradbook.study.methods.uniad import UniAD
from gradlib.model import GRAD


@dataclass(frozen=True)
class Complexity:
    """Counts for one image, the backbone apart."""

    parameters: int
    flops: int  # 2 x multiply-add


def complexity(model: GRAD | UniAD) -> Complexity:
    """Count what the model really has and does, by torch's FLOP counter (lookups, which it cannot see, are free)."""
    x = torch.zeros(1, model.config.channels, *model.config.map_size, device=model.feature_mean.device)
    training = model.training
    # the counter does not see the CPU's fused attention
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.eval()(x)
    model.train(training)
    learnt = sum(p.numel() for p in model.parameters())
    quantised = sum(
        b.numel() for name, b in model.named_buffers() if name.endswith("entries")
    )  # learnt, not by gradients
    return Complexity(learnt + quantised, counter.get_total_flops())
