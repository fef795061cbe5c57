"""A training step: the released code's way against ours, cause by cause, and what our step is made of."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.profiler import ProfilerActivity, profile

from gradbook.bench.counts import convolution_flops, counted
from gradbook.bench.released import released_step
from gradbook.bench.timing import Way, alternate, summary
from gradbook.study.methods.uniad import UniAD, UniadConfig
from gradlib.config import GradConfig, TrainConfig
from gradlib.model import GRAD
from gradlib.presets import PRESETS
from gradlib.train import make_fabric, train_epoch

BATCH = 16  # of the released code on one device
PSI = ("crad", "crad-s", "grad", "lite")  # the final release's two, the first one's, and this book's
PASSES = 3  # forward passes that a training step counts as: the gradient of input and of weights cost one each
# what an operation of PyTorch is for; the first group whose word its name holds
PURPOSES = {
    "convolutions and matrix products": ("conv", "addmm", "::mm", "linear", "bmm"),
    "batch normalisation": ("batch_norm",),
    "optimiser": ("adam", "zero_grad"),
    "lookups": ("embedding_bag", "grid_sampler"),
}


def our_step(
    model: GRAD | UniAD, training: TrainConfig, precision: str, *, compiled: bool = False, device: str = "cpu"
) -> Way:
    """One step of the training loop that every run of the book uses, on one batch of features at hand.

    It ends when the device has done it, as the loss is asked for.
    """
    fabric = make_fabric(device, precision=precision)
    x = features(model.config, training.batch_size).to(fabric.device)
    model = model.to(fabric.device).to(memory_format=torch.channels_last)
    if compiled:
        model.psi.compile()
    groups = model.parameter_groups(lr_nets=training.lr_nets, lr_grids=training.lr_grids)
    module, optimizer = fabric.setup(model, AdamW(groups, weight_decay=training.weight_decay, fused=True))
    return lambda: train_epoch(module, x, optimizer, training, 0, fabric)


def features(config: GradConfig | UniadConfig, batch: int) -> Tensor:
    """Random features (batch, C, H, W) for a model of this configuration."""
    x = torch.randn(batch, config.channels, *config.map_size, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last)


def convolution(dtype: torch.dtype, batch: int, device: torch.device | str = "cpu") -> tuple[Way, int]:
    """A 3 x 3 convolution of psi's size, forward, and its operations: what a processor can do at all."""
    C, H, W = 432, 28, 28
    layer = nn.Conv2d(C, C, 3, padding=1, bias=False).to(device, dtype, memory_format=torch.channels_last)
    x = torch.randn(batch, C, H, W, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return torch.no_grad()(lambda: layer(x)), batch * convolution_flops(3, C, C, H, W)


def peak_flops(dtype: torch.dtype, rounds: int) -> float:
    """The best FLOP/s of several rounds on this processor."""
    way, operations = convolution(dtype, BATCH)
    (seconds,) = alternate({"convolution": way}, rounds).values()
    return operations / min(seconds)


def purposes(step: Way) -> dict[str, float]:
    """The share of a step's time that each purpose takes, by PyTorch's own profiler."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    shares = dict.fromkeys([*PURPOSES, "the rest: element by element"], 0.0)
    for event in profiler.key_averages():
        names = (purpose for purpose, words in PURPOSES.items() if any(word in event.key.lower() for word in words))
        shares[next(names, "the rest: element by element")] += event.self_cpu_time_total
    total = sum(shares.values())
    return {purpose: time / total for purpose, time in shares.items()}


def causes(config: GradConfig, training: TrainConfig) -> dict[str, Way]:
    """From the released way to ours, one change at a time."""
    return {
        "released way": released_step(config, training),
        "features kept": released_step(config, training, backbone=False),
        "ours, float32": our_step(GRAD(config), training, "32-true"),
        "ours, bfloat16": our_step(GRAD(config), training, "bf16-mixed"),
        "ours, bfloat16, compiled": our_step(GRAD(config), training, "bf16-mixed", compiled=True),
    }


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of a step for each psi and way, shares of the peak, and where the time of ours goes."""
    found: dict[str, Any] = {"batch": BATCH, "by_psi": {}}
    peaks = {"32-true": peak_flops(torch.float32, rounds), "bf16-mixed": peak_flops(torch.bfloat16, rounds)}
    found["peak_flops"] = peaks
    for name in PSI:
        config = PRESETS[name].model
        training = replace(PRESETS[name].training, batch_size=BATCH)
        seconds = alternate(causes(config, training), rounds)
        found["by_psi"][name] = {
            "step_flops": PASSES * BATCH * counted(config).flops,
            "seconds": {way: summary(rounds) for way, rounds in seconds.items()},
            "purposes": purposes(our_step(GRAD(config), training, "bf16-mixed")),
        }
    return found
