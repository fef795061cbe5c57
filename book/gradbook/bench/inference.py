"""From photograph to map, while the number N of training photographs grows: GRAD, a search in a memory, and PaDiM.

All see the same backbone, and every way's time holds the backbone's. Photographs, weights and memories are RANDOM
numbers of the right shape: none of these operations takes longer for one value than for another.
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
SHARES = {"PatchCore, 10 %": 0.1, "PatchCore, 1 %": 0.01}
PSI = {"GRAD, psi of lite": "lite", "GRAD, psi of crad-s": "crad-s", "GRAD, psi of grad": "grad"}

ToDistance = Callable[[Tensor], Tensor]  # x (B, C, H, W) -> d (B, H, W)


def grad(preset: str, C: int) -> ToDistance:
    """GRAD with the psi of one preset, for C channels at H x W."""
    model = GRAD(preset_config(preset, channels=C, map_size=(H, W))).eval().to(memory_format=torch.channels_last)
    return lambda x: model(x).error


def patchcore(entries: int, C: int) -> ToDistance:
    """The exact nearest of so many entries for each patch, each the mean of its 3 x 3 neighbours."""
    memory = torch.randn(entries, C, generator=torch.Generator().manual_seed(0))
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(memory.numpy())

    def distance(x: Tensor) -> Tensor:
        patches = F.avg_pool2d(x, 3, 1, 1).permute(0, 2, 3, 1).reshape(-1, C)  # (B*H*W, C)
        found, _ = search.kneighbors(patches.contiguous().numpy())
        return torch.from_numpy(found).float().view(-1, H, W)

    return distance


def padim(C: int) -> ToDistance:
    """The Mahalanobis distance to a Gaussian at each place."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(H * W, C, 1, generator=generator)
    root = torch.randn(H * W, C, C, generator=generator)  # of the inverse covariance

    def distance(x: Tensor) -> Tensor:
        away = x.flatten(2).permute(2, 1, 0) - mean  # (H*W, C, B)
        return torch.bmm(root, away).norm(dim=1).T.reshape(-1, H, W)

    return distance


def to_map(backbone: Backbone, distance: ToDistance, photographs: Tensor) -> Way:
    """Backbone, distance, and the map at the photographs' size."""

    @torch.inference_mode()
    def way() -> Tensor:
        return anomaly_map(distance(backbone.features(photographs, H)), S)

    return way


def flat(C: int) -> Mapping[str, ToDistance]:
    """The ways that know nothing of N."""
    return {**{name: grad(preset, C) for name, preset in PSI.items()}, "PaDiM": padim(C)}


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of one photograph, alone for each N, and in a batch at MVTec's size."""
    backbone = load_backbone(B4, pretrained=False)
    C, images = backbone.channels, torch.randn(BATCH, 3, S, S, generator=torch.Generator().manual_seed(0))
    parts = {"backbone alone": lambda: backbone.features(images[:1], H)}
    found: dict[str, Any] = {"backbone": backbone.name, "map_size": H, "N": list(IMAGES), "points": []}
    for N in IMAGES:
        memories = {name: patchcore(round(share * N * H * W), C) for name, share in SHARES.items()}
        ways = {name: to_map(backbone, way, images[:1]) for name, way in {**flat(C), **memories}.items()}
        for name, seconds in alternate({**parts, **ways}, rounds).items():
            found["points"].append({"way": name, "N": N, "batch": 1, "seconds": summary(seconds)})
        if N == MVTEC:
            ways = {name: to_map(backbone, way, images) for name, way in {**flat(C), **memories}.items()}
            for name, seconds in alternate(ways, max(2, rounds // 3)).items():
                found["points"].append(
                    {"way": name, "N": N, "batch": BATCH, "seconds": summary([s / BATCH for s in seconds])}
                )
    return found
