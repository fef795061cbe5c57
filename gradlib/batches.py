"""How features reach the device: all at the start where they fit, else each batch while another is worked on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from gradlib.standardise import Features

BLOCK = 256  # images that move to a device at a time


def nearby(features: Features, device: torch.device) -> Features:
    """All features in the memory of a CUDA device if half of what is free there holds them; else as they are."""
    if device.type != "cuda" or (isinstance(features, Tensor) and features.device == device):
        return features
    first = features[torch.zeros(1, dtype=torch.long)]  # (1, C, H, W)
    free, _ = torch.cuda.mem_get_info(device)
    if len(features) * first.numel() * first.element_size() > free / 2:
        return features
    kept = torch.empty(len(features), *first.shape[1:], device=device)
    for block in torch.arange(len(features)).split(BLOCK):
        kept[block[0] : block[-1] + 1] = features[block].to(device)
    return kept


def arriving(features: Features, batches: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """x (B, C, H, W) on the device for each of `batches`, image numbers (B,), in their order.

    A tensor that lies there is indexed. Anything else, as the memory-mapped files of a FeatureCache, is read by a
    thread, one batch ahead, and page-locked for a CUDA device, so that neither disk nor copy keeps it waiting.
    """
    if isinstance(features, Tensor) and features.device == device:
        yield from (features[batch] for batch in batches)
        return

    def read(batch: Tensor) -> Tensor:
        x = features[batch]
        return x.pin_memory() if device.type == "cuda" else x

    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(read, batches[0])
        for following in [*batches[1:], None]:
            x = coming.result()
            if following is not None:
                coming = thread.submit(read, following)
            yield x.to(device, non_blocking=True)
