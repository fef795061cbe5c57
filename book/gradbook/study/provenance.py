"""The provenance of a record: commit, versions, device, memory."""

import os
import platform
import sys
from importlib.metadata import version
from typing import Any

import torch

from gradbook.paths import git

PACKAGES = ("gradlib", "torch", "timm", "numpy", "scikit-learn", "lightning-fabric")


def provenance(device: torch.device) -> dict[str, Any]:
    """Commit, versions and device: everything needed to reproduce a number."""
    cuda = device.type == "cuda"
    return {
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(git("status", "--porcelain", "--", "gradlib", "book", "requirements.lock")),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name(device) if cuda else f"CPU, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
    }


def peak_memory(device: torch.device) -> dict[str, int | None]:
    """The largest resident size of this process so far and, on a CUDA device, of its allocations there; bytes."""
    host = None
    if sys.platform != "win32":
        import resource  # not on Windows

        unit = 1 if sys.platform == "darwin" else 1024
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"host": host, "device": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None}
