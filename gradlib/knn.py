"""The baseline to beat: the distance to the nearest of many stored normal patches (the discrete memory of Fig. 1a).

A plain one, on the very features that GRAD sees: a random tenth of the training patches, searched exhaustively by
scikit-learn. It has no training, and its search grows with the training images.
"""

import math

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from gradlib.train import Features

SHARE = 0.1  # of the training patches kept
MOST_ENTRIES = 10_000
BLOCK = 64  # images at a time


class PatchMemory:
    """Stored normal patches; d is the distance from each patch to the nearest one.

    mean, std: (C,), the units in which GRAD sees the features, so that both compare the same thing.
    """

    def __init__(self, mean: Tensor, std: Tensor):
        self.mean, self.std = mean.cpu(), std.cpu()
        self.entries = torch.empty(0, len(mean))

    def fit(self, features: Features, *, seed: int = 0) -> "PatchMemory":
        """Keep min(a tenth, MOST_ENTRIES) patches of the N training maps (C, H, W), drawn evenly over the images."""
        images = torch.arange(len(features))
        pixels = features[images[:1]].shape[2] * features[images[:1]].shape[3]
        kept = min(math.ceil(SHARE * len(features) * pixels), MOST_ENTRIES)
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(features) * pixels, generator=generator)[:kept].sort().values
        rows = []
        for block in images.split(BLOCK):
            inside = chosen[(chosen >= block[0] * pixels) & (chosen < (block[-1] + 1) * pixels)] - block[0] * pixels
            rows.append(self._patches(features[block])[inside])
        self.entries = torch.cat(rows)  # (entries, C)
        self._search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(self.entries.numpy())
        return self

    def distance(self, features: Features) -> Tensor:
        """d (N, H, W) of N maps (C, H, W)."""
        found = []
        for block in torch.arange(len(features)).split(BLOCK):
            x = features[block]  # (n, C, H, W)
            distance, _ = self._search.kneighbors(self._patches(x).numpy())
            found.append(torch.from_numpy(distance).float().view(len(x), *x.shape[2:]))
        return torch.cat(found)

    def _patches(self, x: Tensor) -> Tensor:
        x = (x - self.mean[:, None, None]) / self.std[:, None, None]
        return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (n*H*W, C)
