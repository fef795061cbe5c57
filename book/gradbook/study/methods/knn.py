"""The baseline to beat: the distance to the nearest of many stored normal patches (the discrete memory of Fig. 1a).

The memory bank is a greedy core set, as in PatchCore: each new entry is the patch farthest from all entries so far, so
that rare patches are represented (a random choice of the same size was clearly worse). It sees the same features as
GRAD, needs no training, and its search time grows with the number of entries.
"""

import torch
from sklearn.neighbors import NearestNeighbors
from sklearn.random_projection import GaussianRandomProjection
from torch import Tensor

from gradbook.study.methods.base import Job, Part, Scored
from gradbook.study.methods.trained import features_of, grad_config
from gradlib.inference import BLOCK, in_blocks
from gradlib.standardise import Features, channel_statistics, in_units, safe_std

ENTRIES = 4_000  # patches in the core set, or all if there are fewer
POOL = 50_000  # patches drawn at random, from which the core set is chosen
PROJECTED = 64  # dimensions in which it is chosen; distances to the entries use all C


class PatchMemory:
    """A memory bank of normal patches; d is the distance from each patch to the nearest entry.

    mean, std: (C,), the units in which GRAD sees the features, so that both measure the same distance.
    """

    def __init__(self, mean: Tensor, std: Tensor):
        self.mean, self.std = mean.cpu(), std.cpu()
        self.entries = torch.empty(0, len(mean))
        self._search = NearestNeighbors(n_neighbors=1, algorithm="brute")

    def fit(self, features: Features, *, seed: int = 0) -> "PatchMemory":
        """Store a core set of the patches of N training maps (C, H, W)."""
        images = torch.arange(len(features))
        pixels = features[images[:1]][0, 0].numel()  # H*W
        order = torch.randperm(len(features) * pixels, generator=torch.Generator().manual_seed(seed))
        pool = order[:POOL].sort().values
        rows = []
        for block in images.split(BLOCK):
            inside = pool[(pool >= block[0] * pixels) & (pool < (block[-1] + 1) * pixels)] - block[0] * pixels
            rows.append(self._patches(features[block])[inside])
        patches = torch.cat(rows)  # (POOL, C), or fewer
        self.entries = patches[core_set(patches, min(ENTRIES, len(patches)), seed=seed)]
        self._search.fit(self.entries.numpy())
        return self

    def distance(self, features: Features) -> Tensor:
        """d (N, H, W) of N maps (C, H, W)."""
        parts = []
        for x in in_blocks(features):  # (n, C, H, W)
            distance, _ = self._search.kneighbors(self._patches(x).numpy())
            parts.append(torch.from_numpy(distance).float().view(len(x), *x.shape[2:]))
        return torch.cat(parts)  # (N, H, W)

    def _patches(self, x: Tensor) -> Tensor:
        x = in_units(x, self.mean, self.std)  # (n, C, H, W)
        return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (n*H*W, C)


def core_set(patches: Tensor, size: int, *, seed: int = 0) -> Tensor:
    """Indices (size,) of patches (M, C) chosen greedily: first patch 0, then always the one farthest from the chosen.

    Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022 (Algorithm 1).
    """
    z = patches
    if patches.shape[1] > PROJECTED:
        z = torch.from_numpy(GaussianRandomProjection(PROJECTED, random_state=seed).fit_transform(patches.numpy()))
    z = z.float()
    length = z.square().sum(dim=1)  # (M,)
    farthest, nearest, indices = 0, torch.full_like(length, float("inf")), []
    for _ in range(size):
        indices.append(farthest)
        nearest = torch.minimum(nearest, length + length[farthest] - 2 * (z @ z[farthest]))  # squared distance (M,)
        farthest = int(nearest.argmax())
    return torch.tensor(indices)


def score_by_neighbours(part: Part, job: Job) -> Scored:
    """The distance to the nearest stored patch, in the units in which the preset's model sees the features."""
    train, test = features_of(part, job)
    with job.clock("training"):
        mean, std = torch.zeros(train.channels), torch.ones(train.channels)
        if grad_config(job.experiment, train).standardise:
            mean, std = channel_statistics(train)
        memory = PatchMemory(mean, safe_std(std)).fit(train, seed=job.experiment.seed)
    with job.clock("scoring"):
        d = memory.distance(test)
    return Scored(d, size={"entries": len(memory.entries)}, squared_units=train.channels)
