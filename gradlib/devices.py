"""What the training loop asks of the machine, and the answer for one device."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Runner(Protocol):
    """The part of Lightning Fabric that `fit` uses; `OneDevice` and `gradlib.fabric.make_fabric` provide it."""

    @property
    def device(self) -> torch.device: ...
    @property
    def global_rank(self) -> int: ...
    @property
    def world_size(self) -> int: ...
    def setup(self, module: nn.Module, optimizer: Optimizer) -> Any: ...
    def backward(self, loss: Tensor, /) -> None: ...
    def clip_gradients(self, module: Any, optimizer: Any, *, max_norm: float) -> Any: ...


class OneDevice:
    """Training on one device, by default the CPU, in float32 and without Lightning Fabric."""

    global_rank, world_size = 0, 1

    def __init__(self, device: torch.device | str = "cpu"):
        self.device = torch.device(device)

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """Both as they are."""
        return module, optimizer

    def backward(self, loss: Tensor) -> None:
        """Gradients of a scalar loss."""
        loss.backward()

    def clip_gradients(self, module: nn.Module, optimizer: Optimizer, *, max_norm: float) -> Tensor:
        """Shrink all gradients together to a norm of at most `max_norm`; returns the norm before."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        return nn.utils.clip_grad_norm_(parameters, max_norm)
