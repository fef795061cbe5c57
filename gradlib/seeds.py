"""Random streams that depend on seed, epoch and purpose alone."""

import hashlib

import torch


def epoch_generator(seed: int, epoch: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A random stream for each seed, epoch and purpose, so that a resumed run needs no saved random state."""
    digest = hashlib.sha256(f"{seed} {epoch} {purpose}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))
