"""A training step as the released code takes it, for comparison with ours: same psi, same batch, same numbers.

Written from what is known of that code (the chapter on paper and code), without using any of it. Each step sends the
images through the complete backbone again, including head and classifier. Tensors lie channel by channel in memory, in
float32. Both lookups are `grid_sample`, the local one on a grid that is repeated for each image. The gradient is
clipped over all parameters, and AdamW updates them tensor by tensor.
"""

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW

from gradbook.bench.timing import Way
from gradlib.config import GradConfig, TrainConfig
from gradlib.coordinates import jitter
from gradlib.features.backbones import B4, Net
from gradlib.grids import Grid
from gradlib.model import GRAD, GradOutput
from gradlib.refinement import refine, similarity

STAGES = (9, 21)  # the blocks of EfficientNet-b4 whose outputs are concatenated
CLIP_NORM = 0.1  # of the released training, for a schedule without one


class SampledGrid(nn.Module):
    """One of our grids with two axes, read by `grid_sample`; result: the shape (C, H, W) of what an image reads."""

    def __init__(self, grid: Grid, result: tuple[int, int, int]):
        super().__init__()
        self.result = result
        self.align_corners, self.padding_mode = grid.align_corners, grid.padding_mode
        self.G = nn.Parameter(grid.G.detach().permute(2, 1, 0)[None].contiguous())  # (1, K, R, R), indexed [y, x]

    def forward(self, c: Tensor) -> Tensor:
        """c: (B, 2, H, W) or (B, 2) in [-1, 1] -> (B, C, H, W)."""
        if c.ndim == 4:
            return self._sample(self.G.repeat(len(c), 1, 1, 1), c.permute(0, 2, 3, 1))  # (B, C, H, W)
        f = self._sample(self.G, c[None, None])  # (1, C*H*W, 1, B)
        return f[0, :, 0].T.reshape(len(c), *self.result)  # (B, C, H, W)

    def _sample(self, G: Tensor, c: Tensor) -> Tensor:
        return F.grid_sample(G, c, padding_mode=self.padding_mode, align_corners=self.align_corners)


class SampledGRAD(nn.Module):
    """A GRAD with both lookups by `grid_sample`, without a memory format or a number type of its own.

    Shares v^l, v^g and psi with `model`, a GRAD with two grids of two axes; its own grids start as copies of them.
    """

    def __init__(self, model: GRAD, config: GradConfig):
        super().__init__()
        shape = (config.channels, *config.map_size)
        assert isinstance(model.G_l, Grid)
        assert isinstance(model.G_g, Grid)
        self.config, self.psi = config, model.psi
        self.v_l, self.G_l = model.v_l, SampledGrid(model.G_l, shape)
        self.v_g, self.G_g = model.v_g, SampledGrid(model.G_g, shape)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> GradOutput:
        """As GRAD's, on features (B, C, H, W) as they are: never standardised."""
        config = self.config
        c_l, c_g = self.v_l(x), self.v_g(x)  # (B, 2, H, W), (B, 2)
        f_l = self.G_l(self._jittered(c_l, generator))  # (B, C, H, W), Eq. 2
        f_g = self.G_g(c_g)  # (B, C, H, W), Eq. 3
        in_order = (f_l, f_g) if config.concat == "local_global" else (f_g, f_l)
        f_n = self.psi(torch.cat(in_order, dim=1))  # (B, C, H, W), Eq. 4
        S = similarity(x, f_n, config.mse_threshold, config.lambda_mse, config.lambda_cos)  # (B, H, W), Eq. 6
        return GradOutput(x, f_n, refine(x, f_n, S), S, c_l, c_g)

    def _jittered(self, c: Tensor, generator: torch.Generator | None) -> Tensor:
        config = self.config
        if not self.training or config.jitter_std == 0:
            return c
        return jitter(
            c, std=config.jitter_std, fraction=config.jitter_fraction, per=config.jitter_per, generator=generator
        )


class CompleteBackbone:
    """EfficientNet-b4 with random weights, run to its end for every image (times do not depend on the weights)."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        net: Net = timm.create_model(B4, pretrained=False)
        self.net = net.eval().requires_grad_(False).to(device)
        self.blocks = [block for stage in net.blocks for block in stage]

    @torch.no_grad()
    def __call__(self, images: Tensor, map_size: tuple[int, int]) -> Tensor:
        """(B, 3, S, S) -> x (B, 216, H, W)."""
        net, stages = self.net, []
        f = net.bn1(net.conv_stem(images))
        for number, block in enumerate(self.blocks):
            f = block(f)
            if number in STAGES:
                stages.append(f)
        net.forward_head(net.bn2(net.conv_head(f)))  # the released code classifies too, and discards the result
        resized = [F.interpolate(f, map_size, mode="bilinear", align_corners=True) for f in stages]
        return torch.cat(resized, dim=1)


def released_step(
    config: GradConfig, training: TrainConfig, *, backbone: bool = True, device: torch.device | str = "cpu"
) -> Way:
    """One step on `training.batch_size` random images; backbone=False: on random features instead.

    The step reads the loss, so it ends when the device has finished.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(training.batch_size, 3, 224, 224, generator=generator).to(device)
    features = torch.randn(training.batch_size, config.channels, *config.map_size, generator=generator).to(device)
    model = SampledGRAD(GRAD(config), config).to(device).train()
    extract = CompleteBackbone(device) if backbone else None
    optimizer = AdamW(model.parameters(), foreach=False)

    def step() -> float:
        x = features if extract is None else extract(images, config.map_size)  # (B, C, H, W)
        loss = model(x).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or CLIP_NORM)
        optimizer.step()
        return loss.item()

    return step
