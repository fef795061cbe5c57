"""A training step: from the released code's to ours, one change at a time, and the operations that ours consists of."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from gradbook.bench.counts import convolution_flops, count_configuration
from gradbook.bench.released import released_step
from gradbook.bench.timing import CPU, Way, alternate, summary
from gradlib.config import GradConfig, TrainConfig
from gradlib.fabric import make_fabric
from gradlib.model import GRAD
from gradlib.presets import PRESETS
from gradlib.standardise import FeatureModel, FeatureModelConfig
from gradlib.train import optimizer_on_device, train_epoch

BATCH = 16  # of the released code on one device
PSI = ("crad", "crad-s", "grad", "lite")  # the final release's two, the first one's, and this book's
PASSES = 3  # forward passes that a training step counts as: the gradient of input and of weights cost one each
# the purpose of an operation of PyTorch: the first one with a word that the operation's name contains
PURPOSES = {
    "convolutions and matrix products": ("conv", "addmm", "::mm", "linear", "bmm"),
    "batch normalisation": ("batch_norm",),
    "optimiser": ("adam", "zero_grad"),
    "lookups": ("embedding_bag", "grid_sampler"),
}
OTHER = "the rest: element by element"


def our_step(model: FeatureModel, training: TrainConfig, precision: str, *, device: str = "cpu") -> Way:
    """One step of gradlib's training loop on one batch of random features.

    precision: as for make_fabric. The step reads the loss, so it ends when the device has finished.
    """
    fabric = make_fabric(device, precision=precision)
    x = random_features(model.config, training.batch_size)
    model.prepare(x)
    x = x.to(fabric.device)
    module, optimizer = fabric.setup(model, optimizer_on_device(model, training, fabric))
    return lambda: train_epoch(module, x, optimizer, training, 0, fabric)


def with_compiled_psi(model: GRAD) -> GRAD:
    """The same model; PyTorch compiles its psi at the first call."""
    model.psi.compile()
    return model


def random_features(config: FeatureModelConfig, batch: int) -> Tensor:
    """Random features (batch, C, H, W) for a model of this configuration."""
    x = torch.randn(batch, config.channels, *config.map_size, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last)


def convolution(dtype: torch.dtype, batch: int, device: torch.device = CPU) -> tuple[Way, int]:
    """A 3 x 3 convolution of psi's size, forward, and its FLOPs."""
    C, H, W = 432, 28, 28
    layer = nn.Conv2d(C, C, 3, padding=1, bias=False).to(device, dtype).to(memory_format=torch.channels_last)
    x = torch.randn(batch, C, H, W, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return torch.no_grad()(lambda: layer(x)), batch * convolution_flops(3, C, C, H, W)


def peak_flops(dtype: torch.dtype, rounds: int, *, batch: int = BATCH, device: torch.device = CPU) -> float:
    """The largest FLOP/s of a convolution of psi's size over several rounds: the device's peak in practice."""
    way, flops = convolution(dtype, batch, device)
    return flops / min(alternate({"convolution": way}, rounds, device)["convolution"])


def purpose_shares(step: Way) -> dict[str, float]:
    """The share of a step's time that each purpose takes, by PyTorch's own profiler."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    shares = dict.fromkeys([*PURPOSES, OTHER], 0.0)
    for event in profiler.key_averages():
        purposes = (purpose for purpose, words in PURPOSES.items() if any(word in event.key.lower() for word in words))
        shares[next(purposes, OTHER)] += event.self_cpu_time_total
    total = sum(shares.values())
    return {purpose: time / total for purpose, time in shares.items()}


def steps_from_released_to_ours(config: GradConfig, training: TrainConfig) -> dict[str, Way]:
    """Training steps from the released one to ours, each with one change more."""
    return {
        "released way": released_step(config, training),
        "features kept": released_step(config, training, backbone=False),
        "ours, float32": our_step(GRAD(config), training, "32-true"),
        "ours, bfloat16": our_step(GRAD(config), training, "bf16-mixed"),
        "ours, bfloat16, compiled": our_step(with_compiled_psi(GRAD(config)), training, "bf16-mixed"),
    }


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: peak FLOP/s, seconds of a step for each psi and way, and the purposes of our time."""
    peaks = {"32-true": peak_flops(torch.float32, rounds), "bf16-mixed": peak_flops(torch.bfloat16, rounds)}
    by_psi = {}
    for name in PSI:
        config = PRESETS[name].model
        training = replace(PRESETS[name].training, batch_size=BATCH)
        seconds = alternate(steps_from_released_to_ours(config, training), rounds)
        by_psi[name] = {
            "step_flops": PASSES * BATCH * count_configuration(config).flops,
            "seconds": {way: summary(values) for way, values in seconds.items()},
            "purposes": purpose_shares(our_step(GRAD(config), training, "bf16-mixed")),
        }
    return {"batch": BATCH, "peak_flops": peaks, "by_psi": by_psi}
