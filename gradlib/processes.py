"""Multi-process training that gives the same model as one process.

Each batch is split across processes: process `rank` of `world_size` takes images rank, rank + world_size, ... What a
single process computes over the batch is then computed over all of them together: the statistics of batch
normalisation here, the noise in `gradlib.coordinates.jitter`, the gradient by torch's DistributedDataParallel. The
released code shares the gradient alone, so that its statistics are those of 16 images on four devices.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import all_reduce, get_world_size, is_initialized

Shard = tuple[int, int]  # rank, world_size: images rank, rank + world_size, ... of each batch
ALONE: Shard = (0, 1)


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the images of all processes; with one process, torch's own.

    torch's SyncBatchNorm does the same on CUDA devices only. Every process must hold the same number of images.
    """

    def forward(self, f: Tensor) -> Tensor:
        """(B, C, H, W), same shape back."""
        if not self.training or is_alone():
            return super().forward(f)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        f = f.float()
        mean = mean_over_processes(f.mean(dim=(0, 2, 3)))  # (C,)
        away = f - mean[:, None, None]  # (B, C, H, W)
        variance = mean_over_processes(away.square().mean(dim=(0, 2, 3)))  # (C,)
        with torch.no_grad():
            count = f.numel() // f.shape[1] * get_world_size()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum or 0.1)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum or 0.1)
        scale = self.weight / (variance + self.eps).sqrt()  # (C,)
        return away * scale[:, None, None] + self.bias[:, None, None]


def is_alone() -> bool:
    """Whether this is the only process."""
    return not is_initialized() or get_world_size() == 1


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of `values` over all processes, with its gradient."""
    if is_alone():
        return values
    return SumOverProcesses.apply(values) / get_world_size()


class SumOverProcesses(torch.autograd.Function):
    """The sum over processes, with its gradient: the sum of the gradients of all processes.

    torch.distributed.nn has the same function, but only in a module that torch deprecates.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """The sum of the values of all processes."""
        total = values.detach().clone()
        all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The sum of the gradients of all processes."""
        total = gradients[0].contiguous().clone()
        all_reduce(total)
        return total


def share_statistics(model: nn.Module) -> None:
    """Make every batch normalisation of `model`, in place, take its statistics over all processes."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                shared.__dict__.update(child.__dict__)  # the very parameters and buffers
                setattr(parent, name, shared)
