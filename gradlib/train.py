"""The one training loop: AdamW, two learning rates, Eq. 7, a fixed number of epochs, the last one kept (Appendix A)."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer
from tqdm import tqdm

from gradbook.study.methods.uniad import UniAD
from gradlib.batches import arriving, nearby
from gradlib.checkpoint import TrainLog, restore, save_state
from gradlib.config import TrainConfig
from gradlib.errors import InputError
from gradlib.model import GRAD
from gradlib.processes import mean_over_processes, share_statistics
from gradlib.seeds import epoch_generator
from gradlib.standardise import Features


def make_fabric(device: str = "auto", *, precision: str = "auto") -> Fabric:
    """Lightning Fabric for one device name: "auto", "cpu", "cuda", "cuda:1" (processes come from torchrun).

    precision "auto": bfloat16 autocast on a CUDA device that computes in it, else float32; "bf16-mixed" and "32-true"
    ask for either. Raises InputError if the device is not there.
    """
    name, _, number = device.partition(":")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise InputError(
            f'Device "{device}" is not available here: choose "cpu"'
            + (' or "cuda".' if torch.cuda.is_available() else ".")
        )
    if precision == "auto":
        # on CPUs bfloat16 is faster or slower than float32 from one kind to the next, so there it has to be asked for
        bfloat16 = name == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16-mixed" if bfloat16 else "32-true"
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # set by torchrun, as is WORLD_SIZE
    fabric = Fabric(
        accelerator=name,
        devices=[int(number)] if number else processes,
        num_nodes=int(os.environ.get("WORLD_SIZE", 1)) // processes,
        precision=precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def fit(
    model: GRAD | UniAD,
    features: Features,
    config: TrainConfig,
    *,
    fabric: Fabric,
    checkpoint: Path | None = None,
    identity: str = "",
    after_epoch: Callable[[int], float | None] | None = None,
) -> TrainLog:
    """Train `model` in place on normal features for config.epochs epochs and keep the last.

    features: N rows (C, H, W). checkpoint: a file that is written after each epoch and from which a killed run goes on,
    on the CPU to the same weights bit for bit. identity: names the data; a checkpoint of other data, settings or model
    is refused. after_epoch: called with each epoch's number (0-based); a number that it returns is kept in the log.
    Raises InputError for a checkpoint of another run and for features that are not finite.
    """
    if len(features) == 0:
        raise InputError("There is no normal training image: training needs at least one.")
    model.to(fabric.device).to(memory_format=torch.channels_last)
    if fabric.world_size > 1:
        share_statistics(model)
        model.dealt = (fabric.global_rank, fabric.world_size)
    optimizer: Optimizer = AdamW(
        model.parameter_groups(lr_nets=config.lr_nets, lr_grids=config.lr_grids),
        weight_decay=config.weight_decay,
        fused=True,
    )
    features = nearby(features, fabric.device)
    owner = {
        "train": asdict(config) | {"drops": list(config.drops)},
        "config": model.config.to_dict(),
        "identity": identity,
    }
    log, start = TrainLog(), 0
    if checkpoint is not None and checkpoint.exists():
        log = restore(checkpoint, model, optimizer, owner)
        start = len(log.losses)
    module, optimizer = fabric.setup(model, optimizer)
    bars = tqdm(
        range(start, config.epochs),
        initial=start,
        total=config.epochs,
        desc="training",
        unit="epoch",
        disable=fabric.global_rank != 0,
    )
    for epoch in bars:
        began = time.perf_counter()
        for group, rate in zip(optimizer.param_groups, (config.lr_nets, config.lr_grids), strict=True):
            group["lr"] = rate * config.rate_factor(epoch)
        log.losses.append(train_epoch(module, features, optimizer, config, epoch, fabric))
        log.seconds += time.perf_counter() - began
        bars.set_postfix(loss=f"{log.losses[-1]:.4f}")
        if after_epoch is not None and (number := after_epoch(epoch)) is not None:
            log.noted.append(number)
        if checkpoint is not None and fabric.global_rank == 0:
            save_state(checkpoint, model, optimizer, owner, log)
    model.eval()
    return log


def train_epoch(
    module: Any, features: Features, optimizer: Optimizer, config: TrainConfig, epoch: int, fabric: Fabric
) -> float:
    """One pass over all images in an order that only seed and epoch decide; returns the mean loss of Eq. 7.

    Several processes deal each batch among them; what does not divide evenly of an epoch's last one is left out.
    """
    module.train()
    rank, world = fabric.global_rank, fabric.world_size
    order = torch.randperm(len(features), generator=epoch_generator(config.seed, epoch, "order"))
    stream = rank if isinstance(module.module, UniAD) else 0  # GRAD draws for the whole batch everywhere
    noise = epoch_generator(config.seed, epoch, f"jitter {stream}", fabric.device)
    batches = [batch[: len(batch) // world * world] for batch in order.split(config.batch_size)]
    if len(batches) > 1 and len(batches[-1]) < 2 * world:
        batches = batches[:-1]  # each process needs two images: the statistics of a single one are none
    total = torch.zeros((), device=fabric.device)
    for x in arriving(features, [batch[rank::world] for batch in batches], fabric.device):
        out = module(x, generator=noise)
        loss = F.mse_loss(out.reconstruction, out.features)  # Eq. 7, averaged over the batch
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        if config.clip_norm is not None:
            fabric.clip_gradients(module, optimizer, max_norm=config.clip_norm)
        optimizer.step()
        total += loss.detach()
    mean = float(mean_over_processes(total)) / len(batches)  # the only synchronisation with the device in an epoch
    if not mean < float("inf"):
        raise InputError(
            f"The loss is {mean} after epoch {epoch + 1}: the features hold NaN or infinity, or the rates are too high."
        )
    return mean
