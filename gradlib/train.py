"""The training loop: AdamW, two learning rates, Eq. 7 and a fixed number of epochs, the last of which counts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer
from tqdm import tqdm

from gradlib.batches import on_device, prefetch
from gradlib.checkpoint import TrainingState, TrainLog
from gradlib.config import TrainConfig
from gradlib.devices import OneDevice, Runner
from gradlib.errors import InputError
from gradlib.processes import mean_over_processes, share_statistics
from gradlib.seeds import epoch_generator
from gradlib.standardise import FeatureModel, Features


def fit(
    model: FeatureModel,
    features: Features,
    config: TrainConfig,
    *,
    fabric: Runner | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
    after_epoch: Callable[[int], float | None] | None = None,
) -> TrainLog:
    """Train `model` in place on normal features for config.epochs epochs and keep the last (Eq. 7, Appendix A).

    features: N rows (C, H, W). fabric: by default one device, that of the model. checkpoint: a file written after each
    epoch, from which a killed run resumes, on the CPU to identical weights. identity: names the data, so that a
    checkpoint of other data, settings or model is refused. after_epoch: called with each epoch's number, from 0; a
    number that it returns goes into the log. Raises InputError without features, for a checkpoint of another run and
    for a loss that is not finite.
    """
    if len(features) == 0:
        raise InputError("There is no normal training image: training needs at least one.")
    fabric = fabric or OneDevice(model.feature_mean.device)
    optimizer = optimizer_on_device(model, config, fabric)
    state = TrainingState(checkpoint, model, optimizer, owner_of(model, config, identity))
    log = state.restore()
    if not model.prepared:
        model.prepare(features, seed=config.seed)
    features = on_device(features, fabric.device)
    module, optimizer = fabric.setup(model, optimizer)
    for epoch in epochs_with_progress(config.epochs, log, silent=fabric.global_rank != 0):
        began = time.perf_counter()
        set_rates(optimizer, config, epoch)
        log.losses.append(train_epoch(module, features, optimizer, config, epoch, fabric))
        log.seconds += time.perf_counter() - began
        if after_epoch is not None and (value := after_epoch(epoch)) is not None:
            log.epoch_values.append(value)
        if fabric.global_rank == 0:
            state.save(log)
    model.eval()
    return log


def train_epoch(
    module: Any, features: Features, optimizer: Optimizer, config: TrainConfig, epoch: int, fabric: Runner
) -> float:
    """One pass over all images in an order that only seed and epoch decide; returns the mean loss of Eq. 7.

    Raises InputError for a loss that is not finite.
    """
    module.train()
    shard = rank, world_size = fabric.global_rank, fabric.world_size
    noise = epoch_generator(config.seed, epoch, "jitter 0", fabric.device)  # the same in all processes
    batches = shuffled_batches(len(features), config, epoch, world_size)
    total = torch.zeros((), device=fabric.device)
    for x in prefetch(features, [batch[rank::world_size] for batch in batches], fabric.device):  # (B, C, H, W)
        loss = module(x, generator=noise, shard=shard).loss  # Eq. 7, averaged over the batch
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


def shuffled_batches(N: int, config: TrainConfig, epoch: int, world_size: int) -> list[Tensor]:
    """The image numbers (B,) of each batch of an epoch; every B is a multiple of world_size.

    The last batch is cut to such a multiple, and left out if a process would get fewer than two images.
    """
    order = torch.randperm(N, generator=epoch_generator(config.seed, epoch, "order"))
    batches = [batch[: len(batch) // world_size * world_size] for batch in order.split(config.batch_size)]
    if len(batches) > 1 and len(batches[-1]) < 2 * world_size:
        batches = batches[:-1]  # batch statistics need two images in each process
    return batches


def optimizer_on_device(model: FeatureModel, config: TrainConfig, fabric: Runner) -> Optimizer:
    """AdamW for the model, which is moved to the device and shares batch statistics among several processes."""
    model.to(fabric.device).to(memory_format=torch.channels_last)
    if fabric.world_size > 1:
        share_statistics(model)
    groups = [group | {"initial_lr": group["lr"]} for group in model.parameter_groups(config)]
    return AdamW(groups, weight_decay=config.weight_decay, fused=True)


def set_rates(optimizer: Optimizer, config: TrainConfig, epoch: int) -> None:
    """The learning rates of an epoch: each group's first rate times the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * config.rate_factor(epoch)


def owner_of(model: FeatureModel, config: TrainConfig, identity: str) -> dict[str, Any]:
    """What a checkpoint must agree with before training resumes from it."""
    train = asdict(config) | {"drops": list(config.drops)}  # as JSON gives it back
    return {"train": train, "config": model.config.to_dict(), "identity": identity}


def epochs_with_progress(epochs: int, log: TrainLog, *, silent: bool) -> Iterator[int]:
    """The epochs that the log does not have yet, under a progress bar that shows the last loss."""
    done = len(log.losses)
    with tqdm(total=epochs, initial=done, desc="training", unit="epoch", disable=silent) as bar:
        for epoch in range(done, epochs):
            yield epoch
            bar.update()
            bar.set_postfix(loss=f"{log.losses[-1]:.4f}")
