"""Parameters and FLOPs of a model, counted on the model itself (Table 6)."""

from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradlib.standardise import FeatureModel


@dataclass(frozen=True)
class ModelCounts:
    """Counts for one image, without the backbone."""

    parameters: int  # all numbers that are learnt, by gradients or as running means
    flops: int  # 2 x multiply-add


def count_model(model: FeatureModel) -> ModelCounts:
    """Count the parameters and, by torch's FLOP counter, the operations of one forward pass.

    Lookups in a grid, which the counter does not see, count as free.
    """
    x = torch.zeros(1, *model.shape, device=model.feature_mean.device)
    training = model.training
    # the counter does not see the CPU's fused attention
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.eval()(x)
    model.train(training)
    parameters = sum(p.numel() for p in model.parameters()) + model.entries_without_gradient()
    return ModelCounts(parameters, counter.get_total_flops())
