"""GRAD: features to coordinates, coordinates to normal features, and what is left over (Section 3, Fig. 2)."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn

from gradlib.config import GradConfig, PaddingMode
from gradlib.coordinates import GlobalCoordinates, LocalCoordinates, jitter
from gradlib.errors import InputError
from gradlib.fusion import fusion_network
from gradlib.grids import GlobalGrid, LocalGrid
from gradlib.memories import PerPatch, discrete_memory, number_of_entries, start_from_features
from gradlib.processes import Dealt
from gradlib.refinement import refine, similarity
from gradlib.scores import anomaly_map
from gradlib.standardise import FeatureModel, Features


class Borders(TypedDict):
    """How both grids treat their ends."""

    align_corners: bool
    padding_mode: PaddingMode


class GradOutput(NamedTuple):
    """What one forward pass yields; maps are (B, ..., H, W), in the model's (possibly standardised) feature units."""

    features: Tensor  # x (B, C, H, W)
    normal: Tensor  # f^n (B, C, H, W), Eq. 4
    reconstruction: Tensor  # x-hat (B, C, H, W), Eq. 5
    similarity: Tensor  # S (B, H, W), Eq. 6
    local_coordinates: Tensor  # v^l (B, C_l, H, W), in (-1, 1) before jitter; x where there is no local grid
    global_coordinates: Tensor  # v^g (B, C_g), in (-1, 1); x where there is no global grid

    @property
    def error(self) -> Tensor:
        """d (B, H, W), the length of x - x-hat at each pixel (Eq. 8)."""
        return torch.linalg.vector_norm(self.features - self.reconstruction, dim=1)


class GRAD(FeatureModel):
    """Grid-based continuous normal representation (Lee et al. 2024): x (B, C, H, W) -> GradOutput.

    Explained in {ref}`ch-local` and {ref}`ch-global`.
    """

    def __init__(self, config: GradConfig):
        super().__init__(config)
        self.config = config
        C, (H, W) = config.channels, config.map_size
        borders: Borders = {"align_corners": config.align_corners, "padding_mode": config.padding_mode}
        self.v_l: nn.Module = nn.Identity()
        self.v_g: nn.Module = nn.Identity()
        self.G_l: nn.Module | None = None
        self.G_g: nn.Module | None = None
        if config.local_memory == "grid":
            self.v_l = LocalCoordinates(C, config.local_dim)
            self.G_l = LocalGrid(config.local_dim, config.local_resolution, C, **borders)
        elif config.local_memory != "none":
            self.G_l = PerPatch(discrete_memory(config.local_memory, config.local_entries, (C, 1, 1)))
        if config.global_memory == "grid":
            self.v_g = GlobalCoordinates(C, config.global_dim)
            self.G_g = GlobalGrid(config.global_dim, config.global_resolution, (C, H, W), **borders)
        elif config.global_memory != "none":
            self.G_g = discrete_memory(config.global_memory, config.global_entries, (C, H, W))
        if config.concat not in ("local_global", "global_local"):
            raise InputError(f'The order "{config.concat}" is unknown: choose "local_global" or "global_local".')
        self.dealt: Dealt = (0, 1)  # which images of a batch are trained on here (gradlib.processes)
        inputs = (self.G_l is not None) + (self.G_g is not None)
        if inputs == 0:
            raise InputError("A model without local and without global memory has nothing to give back: keep one.")
        self.psi = fusion_network(config.fusion, C, blocks=config.blocks, width=config.width, inputs=inputs)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> GradOutput:
        """Reconstruct x from the grids; jitters only while training, drawing from `generator`.

        Raises InputError if x does not have this model's shape.
        """
        config = self.config
        # coordinates are differences of small numbers: bfloat16 would move patches by a tenth of a knot
        with torch.autocast(x.device.type, enabled=False):
            x = x.float().contiguous(memory_format=torch.channels_last)  # psi's layout: else each sum strides
            x = self.standardised(x)  # (B, C, H, W)
            c_l, c_g = self.v_l(x), self.v_g(x)  # (B, C_l, H, W), (B, C_g)
            f_l = [self.G_l(self._jittered(c_l, generator))] if self.G_l is not None else []  # (B, C, H, W)
            f_g = [self.G_g(c_g)] if self.G_g is not None else []  # (B, C, H, W)
        f = torch.cat(f_l + f_g if config.concat == "local_global" else f_g + f_l, dim=1)  # (B, 2C, H, W)
        # psi's blocks add to what comes in: in its own layout and type, else every one of these sums converts
        narrow = torch.is_autocast_enabled(x.device.type)
        f = f.to(torch.get_autocast_dtype(x.device.type) if narrow else f.dtype, memory_format=torch.channels_last)
        f_n = self.psi(f).float()  # (B, C, H, W)
        S = similarity(
            x, f_n, mse_threshold=config.mse_threshold, lambda_mse=config.lambda_mse, lambda_cos=config.lambda_cos
        )  # (B, H, W)
        return GradOutput(x, f_n, refine(x, f_n, S), S, c_l, c_g)

    def _jittered(self, c: Tensor, generator: torch.Generator | None) -> Tensor:
        config = self.config
        if not self.training or config.jitter_std == 0 or config.local_memory != "grid":
            return c
        return jitter(
            c,
            std=config.jitter_std,
            fraction=config.jitter_fraction,
            per=config.jitter_per,
            generator=generator,
            dealt=self.dealt,
        )

    def parameter_groups(self, *, lr_nets: float = 1e-3, lr_grids: float = 1e-1) -> list[dict[str, Any]]:
        """The optimiser's two groups: networks at 1e-3, grids and whatever stands for them at 1e-1 (Appendix A)."""
        names = ("G_l.G", "G_g.G", "G_l.memory.entries", "G_g.entries")
        grids = [p for name, p in self.named_parameters() if name in names]
        nets = [p for name, p in self.named_parameters() if name not in names]
        return [{"params": nets, "lr": lr_nets}, {"params": grids, "lr": lr_grids}]

    @torch.no_grad()
    def start_memories(self, features: Features, generator: torch.Generator) -> None:
        """Begin each entry and knot as a training feature drawn at random: a patch (local) or a whole map (global).

        features: N rows (C, H, W), raw. Every kind of memory begins from the same draws.
        """
        for memory, local in ((self.G_l, True), (self.G_g, False)):
            if memory is None:
                continue
            M = number_of_entries(memory)
            drawn = torch.randint(len(features), (M,), generator=generator)
            x = self.standardised(features[drawn])  # (M, C, H, W)
            if local:
                place = torch.randint(x[0, 0].numel(), (M,), generator=generator)
                x = x.flatten(2)[torch.arange(M), :, place]  # (M, C)
            start_from_features(memory, x)

    @torch.inference_mode()
    def anomaly_map(self, x: Tensor, size: int | tuple[int, int], *, protocol: str = "paper") -> Tensor:
        """d at the image's size: x (B, C, H, W) -> (B, 1, *size) (Eq. 8). Puts the model in evaluation mode."""
        self.eval()
        return anomaly_map(self(x).error, size, protocol)[:, None]

    @classmethod
    def from_official(
        cls, state_dict: Mapping[str, Any], *, mse_threshold: float, lambda_mse: float, lambda_cos: float
    ) -> "GRAD":
        """A model with the weights of the released code (either version); see `gradlib.released`."""
        from gradlib.released import model_from_official  # here, because official imports this module

        return model_from_official(
            state_dict, mse_threshold=mse_threshold, lambda_mse=lambda_mse, lambda_cos=lambda_cos
        )
