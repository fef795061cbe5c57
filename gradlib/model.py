"""GRAD: features to coordinates, coordinates to normal features, and the residual (Section 3, Fig. 2)."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradlib.config import GradConfig, TrainConfig
from gradlib.coordinates import GlobalCoordinates, LocalCoordinates, jitter
from gradlib.fusion import fusion_network
from gradlib.grids import GlobalGrid, LocalGrid, Memory
from gradlib.memories import NoMemory, PerPatch, discrete_memory
from gradlib.precision import channels_last, for_convolutions, full_precision
from gradlib.processes import ALONE, Shard
from gradlib.refinement import refine, similarity
from gradlib.seeds import epoch_generator
from gradlib.standardise import FeatureModel, Features


class GradOutput(NamedTuple):
    """Everything that one forward pass computes; maps in the model's (possibly standardised) feature units."""

    features: Tensor  # x (B, C, H, W)
    normal: Tensor  # f^n (B, C, H, W), Eq. 4
    reconstruction: Tensor  # x-hat (B, C, H, W), Eq. 5
    similarity: Tensor  # S (B, H, W), Eq. 6
    local_coordinates: Tensor  # v^l (B, C_l, H, W), in (-1, 1) before jitter; x where there is no local grid
    global_coordinates: Tensor  # v^g (B, C_g), in (-1, 1); x where there is no global grid

    @property
    def loss(self) -> Tensor:
        """The mean squared error between x and x-hat, a scalar (Eq. 7)."""
        return F.mse_loss(self.reconstruction, self.features)

    @property
    def error(self) -> Tensor:
        """d (B, H, W), the length of x - x-hat at each pixel (Eq. 8)."""
        return torch.linalg.vector_norm(self.features - self.reconstruction, dim=1)


class GRAD(FeatureModel):
    """Grid-based continuous normal representation (Lee et al. 2024): x (B, C, H, W) -> GradOutput.

        model = GRAD(GradConfig(channels=152, map_size=(14, 14)))
        model(x).loss.backward()

    Explained in {ref}`ch-local` and {ref}`ch-global`.
    """

    config: GradConfig

    def __init__(self, config: GradConfig):
        super().__init__(config)
        self.v_l, self.G_l = build_local_memory(config)
        self.v_g, self.G_g = build_global_memory(config)
        inputs = (config.local_memory != "none") + (config.global_memory != "none")
        self.psi = fusion_network(
            config.fusion, config.channels, blocks=config.blocks, width=config.width, inputs=inputs
        )
        self.prepared = self.prepared and config.memory_start == "xavier"

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None, shard: Shard = ALONE) -> GradOutput:
        """Reconstruct x (B, C, H, W) from the memories (Eq. 2 to 6).

        Jitter acts only during training and draws from `generator`; shard: if a batch is split across processes. Raises
        InputError if x does not have the model's shape, and while training a model that is not prepared.
        """
        config = self.config
        with full_precision(x):
            x = self.standardised(channels_last(x))  # (B, C, H, W)
            c_l, c_g = self.v_l(x), self.v_g(x)  # (B, C_l, H, W), (B, C_g)
            f_l = self.G_l(self._jittered(c_l, generator, shard))  # (B, C, H, W), Eq. 2
            f_g = self.G_g(c_g)  # (B, C, H, W), Eq. 3
        f_n = self.psi(self._concatenated(f_l, f_g)).float()  # (B, C, H, W), Eq. 4
        S = similarity(x, f_n, config.mse_threshold, config.lambda_mse, config.lambda_cos)  # (B, H, W), Eq. 6
        x_hat = refine(x, f_n, S)  # (B, C, H, W), Eq. 5
        return GradOutput(x, f_n, x_hat, S, c_l, c_g)

    def _jittered(self, c: Tensor, generator: torch.Generator | None, shard: Shard) -> Tensor:
        std, fraction, per = self.config.jitter_std, self.config.jitter_fraction, self.config.jitter_per
        if not self.training or std == 0 or self.config.local_memory != "grid":
            return c
        return jitter(c, std=std, fraction=fraction, per=per, generator=generator, shard=shard)

    def _concatenated(self, f_l: Tensor, f_g: Tensor) -> Tensor:
        in_order = (f_l, f_g) if self.config.concat == "local_global" else (f_g, f_l)
        return for_convolutions(torch.cat(in_order, dim=1))  # (B, 2C, H, W)

    def parameter_groups(self, config: TrainConfig) -> list[dict[str, Any]]:
        """The optimiser's two groups: networks at config.lr_nets, stored features at config.lr_grids (Appendix A)."""
        stored = self.G_l.stored_parameters() + self.G_g.stored_parameters()
        networks = [p for p in self.parameters() if not any(p is other for other in stored)]
        return [{"params": networks, "lr": config.lr_nets}, {"params": stored, "lr": config.lr_grids}]

    def entries_without_gradient(self) -> int:
        """The number of stored numbers that are learnt as running means, without gradients."""
        return sum(G.stored().numel() for G in (self.G_l, self.G_g) if not G.stored_parameters())

    def prepare(self, features: Features, *, seed: int = 0) -> None:
        """Measure the features' statistics and start the memories from features, where the configuration says so.

        features: N training rows (C, H, W), raw; `seed` decides what is drawn. `fit` does this for an unprepared model.
        """
        super().prepare(features)
        if self.config.memory_start == "features":
            self.start_memories(features, epoch_generator(seed, 0, "memories"))

    @torch.no_grad()
    def start_memories(self, features: Features, generator: torch.Generator) -> None:
        """Start each stored feature as a training feature drawn at random: a patch (local) or a whole map (global).

        features: N rows (C, H, W), raw. Every kind of memory starts from the same draws.
        """
        for memory, is_local in ((self.G_l, True), (self.G_g, False)):
            M = memory.entry_count()
            if M == 0:
                continue
            images = torch.randint(len(features), (M,), generator=generator)
            x = self.standardised(features[images].to(self.feature_mean.device))  # (M, C, H, W)
            if is_local:
                place = torch.randint(x[0, 0].numel(), (M,), generator=generator)
                x = x.flatten(2)[torch.arange(M), :, place]  # (M, C)
            memory.start_from(x)


def build_local_memory(config: GradConfig) -> tuple[nn.Module, Memory]:
    """The network v^l, which places each patch, and the memory G_l, which is read there."""
    C = config.channels
    if config.local_memory == "none":
        return nn.Identity(), NoMemory()
    if config.local_memory != "grid":
        return nn.Identity(), PerPatch(discrete_memory(config.local_memory, config.local_entries, (C, 1, 1)))
    D, R = config.local_dim, config.local_resolution
    v_l = LocalCoordinates(C, D)
    return v_l, LocalGrid(D, R, C, align_corners=config.align_corners, padding_mode=config.padding_mode)


def build_global_memory(config: GradConfig) -> tuple[nn.Module, Memory]:
    """The network v^g, which places each image, and the memory G_g, which is read there."""
    shape = (config.channels, *config.map_size)
    if config.global_memory == "none":
        return nn.Identity(), NoMemory()
    if config.global_memory != "grid":
        return nn.Identity(), discrete_memory(config.global_memory, config.global_entries, shape)
    D, R = config.global_dim, config.global_resolution
    v_g = GlobalCoordinates(config.channels, D)
    return v_g, GlobalGrid(D, R, shape, align_corners=config.align_corners, padding_mode=config.padding_mode)
