"""How features reach the device: all at the start where they fit, else one batch ahead of the computation."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from gradlib.standardise import Features

BLOCK = 256  # images copied to a device at a time


def on_device(features: Features, device: torch.device) -> Features:
    """All features as one tensor on a CUDA device if half of its free memory holds them, else as they are."""
    if device.type != "cuda" or (isinstance(features, Tensor) and features.device == device):
        return features
    first = features[torch.zeros(1, dtype=torch.long)]  # (1, C, H, W)
    free, _ = torch.cuda.mem_get_info(device)
    if len(features) * first.numel() * first.element_size() > free / 2:
        return features
    copy = torch.empty(len(features), *first.shape[1:], device=device)
    for block in torch.arange(len(features)).split(BLOCK):
        copy[block[0] : block[-1] + 1] = features[block].to(device)
    return copy


def prefetch(features: Features, batches: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """x (B, C, H, W) on the device for each of `batches`, image numbers (B,), in their order.

    A tensor on the device is indexed. Anything else, such as the memory-mapped files of a FeatureCache, is read by a
    thread one batch ahead, into page-locked memory for a CUDA device, so that training waits for neither disk nor copy.
    """
    if isinstance(features, Tensor) and features.device == device:
        yield from (features[batch] for batch in batches)
        return

    def read(batch: Tensor) -> Tensor:
        x = features[batch]
        return x.pin_memory() if device.type == "cuda" else x

    with ThreadPoolExecutor(max_workers=1) as thread:
        pending = thread.submit(read, batches[0])
        for following in [*batches[1:], None]:
            x = pending.result()
            if following is not None:
                pending = thread.submit(read, following)
            yield x.to(device, non_blocking=True)
