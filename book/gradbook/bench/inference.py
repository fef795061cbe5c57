"""From image to map as the number N of training images grows: GRAD, a search in a memory bank, and PaDiM.

All use the same backbone, and the time of every way includes the backbone's. Images, weights and memory banks are
RANDOM numbers of the right shape: none of these operations takes longer for one value than for another.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import functional as F

from gradbook.bench.timing import Way, alternate, summary
from gradlib.features.backbones import B4, Backbone, load_backbone
from gradlib.model import GRAD
from gradlib.presets import preset_config
from gradlib.scores import anomaly_map

IMAGES = (100, 1000, 3629, 10000)  # N; MVTec AD has 3,629
MVTEC = 3629
BATCH = 32
H = W = 28
S = 224
SHARES = {"PatchCore, 10 %": 0.1, "PatchCore, 1 %": 0.01}  # of all training patches
PSI = {"GRAD, psi of lite": "lite", "GRAD, psi of crad-s": "crad-s", "GRAD, psi of grad": "grad"}

ToDistance = Callable[[Tensor], Tensor]  # x (B, C, H, W) -> d (B, H, W)


def grad_distance(preset: str, C: int) -> ToDistance:
    """GRAD with the psi of one preset, for C channels at H x W."""
    model = GRAD(preset_config(preset, (C, H, W))).eval().to(memory_format=torch.channels_last)
    return lambda x: model(x).error


def patchcore_distance(entries: int, C: int) -> ToDistance:
    """The exact distance of each patch, a mean over 3 x 3 places, to the nearest of `entries` random entries."""
    memory = torch.randn(entries, C, generator=torch.Generator().manual_seed(0))
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(memory.numpy())

    def distance(x: Tensor) -> Tensor:
        patches = F.avg_pool2d(x, 3, 1, 1).permute(0, 2, 3, 1).reshape(-1, C)  # (B*H*W, C)
        d, _ = search.kneighbors(patches.contiguous().numpy())  # (B*H*W, 1)
        return torch.from_numpy(d).float().view(-1, H, W)

    return distance


def padim_distance(C: int) -> ToDistance:
    """The Mahalanobis distance to a Gaussian at each place."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(H * W, C, 1, generator=generator)
    root = torch.randn(H * W, C, C, generator=generator)  # of the inverse covariance

    def distance(x: Tensor) -> Tensor:
        residual = x.flatten(2).permute(2, 1, 0) - mean  # (H*W, C, B)
        return torch.bmm(root, residual).norm(dim=1).T.reshape(-1, H, W)

    return distance


def image_to_map(backbone: Backbone, distance: ToDistance, images: Tensor) -> Way:
    """Images (B, 3, S, S) through the backbone to their distances and maps."""

    @torch.inference_mode()
    def way() -> Tensor:
        return anomaly_map(distance(backbone.features(images, H)), S)

    return way


def ways_to_distance(N: int, C: int) -> Mapping[str, ToDistance]:
    """All ways to a distance: those that do not depend on N, then memory banks of N images' patches."""
    grad = {name: grad_distance(preset, C) for name, preset in PSI.items()}
    memories = {name: patchcore_distance(round(share * N * H * W), C) for name, share in SHARES.items()}
    return {**grad, "PaDiM": padim_distance(C), **memories}


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: seconds an image, one at a time for each N, and in a batch at MVTec AD's N."""
    backbone = load_backbone(B4, pretrained=False)
    images = torch.randn(BATCH, 3, S, S, generator=torch.Generator().manual_seed(0))
    points = []
    for N in IMAGES:
        to_distance = ways_to_distance(N, backbone.channels)
        for batch in (1, BATCH) if N == MVTEC else (1,):
            ways = {name: image_to_map(backbone, way, images[:batch]) for name, way in to_distance.items()}
            if batch == 1:
                ways = {"backbone alone": lambda: backbone.features(images[:1], H), **ways}
            for name, seconds in alternate(ways, rounds if batch == 1 else max(2, rounds // 3)).items():
                per_image = summary([s / batch for s in seconds])
                points.append({"way": name, "N": N, "batch": batch, "seconds": per_image})
    return {"backbone": backbone.name, "map_size": H, "N": list(IMAGES), "points": points}
