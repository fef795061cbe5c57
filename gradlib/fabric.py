"""Lightning Fabric for training on several devices or in bfloat16."""

import os

import torch
from lightning_fabric import Fabric

from gradlib.errors import InputError


def make_fabric(device: str = "auto", *, precision: str = "auto") -> Fabric:
    """Fabric for one device name: "auto", "cpu", "cuda", "cuda:1" (torchrun starts several processes).

    precision "auto": bfloat16 autocast on a CUDA device that computes in it, else float32; "bf16-mixed" and "32-true"
    request either. Raises InputError if the device is not available.
    """
    name, _, number = device.partition(":")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        available = '"cpu" or "cuda"' if torch.cuda.is_available() else '"cpu"'
        raise InputError(f'Device "{device}" is not available here: choose {available}.')
    if precision == "auto":
        # whether bfloat16 is faster depends on the CPU model, so it must be requested there
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
