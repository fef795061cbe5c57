"""A training step as the released code takes it, to stand beside ours: same psi, same batch, same numbers.

Written from what is known of that code (the chapter on paper and code), none of which is used here: each step sends
the photographs through the whole backbone again, head and classifier included; tensors lie channel by channel, in
float32; both lookups are `grid_sample`, the local one on a grid that is repeated for each image; the gradient is
clipped over all parameters and AdamW updates them tensor by tensor.
"""

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW

from gradbook.bench.timing import Way
from gradlib.config import GradConfig, TrainConfig
from gradlib.features.backbones import B4, Net
from gradlib.grids import Grid
from gradlib.model import GRAD, GradOutput
from gradlib.refinement import refine, similarity

STAGES = (9, 21)  # the blocks of EfficientNet-b4 whose outputs are concatenated


class SampledGrid(nn.Module):
    """A grid of two axes read by `grid_sample`, with the knots of one of ours."""

    def __init__(self, grid: Grid, shape: tuple[int, ...]):
        super().__init__()
        self.shape = shape  # of the result, without the batch
        self.align_corners, self.padding_mode = grid.align_corners, grid.padding_mode
        self.G = nn.Parameter(grid.G.detach().permute(2, 1, 0)[None].contiguous())  # (1, K, R, R), indexed [y, x]

    def forward(self, c: Tensor) -> Tensor:
        """c: (B, 2, H, W) or (B, 2) -> (B, *shape)."""
        if c.ndim == 4:
            G, places = self.G.repeat(len(c), 1, 1, 1), c.permute(0, 2, 3, 1)  # (B, C, R, R), (B, H, W, 2)
        else:
            G, places = self.G, c[None, None]  # (1, C*H*W, R, R), (1, 1, B, 2)
        found = F.grid_sample(G, places, padding_mode=self.padding_mode, align_corners=self.align_corners)
        if c.ndim == 4:
            return found  # (B, C, H, W)
        return found[0, :, 0].T.reshape(len(c), *self.shape)  # (B, C, H, W)


class SampledGRAD(GRAD):
    """The same model with both lookups by `grid_sample`, and no word on how tensors lie in memory."""

    def __init__(self, config: GradConfig):
        super().__init__(config)
        C, (H, W) = config.channels, config.map_size
        assert isinstance(self.G_l, Grid)
        assert isinstance(self.G_g, Grid)
        self.G_l, self.G_g = SampledGrid(self.G_l, (C, H, W)), SampledGrid(self.G_g, (C, H, W))

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> GradOutput:
        """As GRAD's, for features that are not standardised."""
        config = self.config
        c_l, c_g = self.v_l(x), self.v_g(x)  # (B, 2, H, W), (B, 2)
        f = [self.G_l(self._jittered(c_l, generator)), self.G_g(c_g)]  # (B, C, H, W) each
        f_n = self.psi(torch.cat(f if config.concat == "local_global" else f[::-1], dim=1))  # (B, C, H, W)
        S = similarity(
            x, f_n, mse_threshold=config.mse_threshold, lambda_mse=config.lambda_mse, lambda_cos=config.lambda_cos
        )  # (B, H, W)
        return GradOutput(x, f_n, refine(x, f_n, S), S, c_l, c_g)


class WholeBackbone:
    """EfficientNet-b4 with random weights, all of it run for every photograph (times do not depend on weights)."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.net: Net = timm.create_model(B4, pretrained=False).eval().requires_grad_(False).to(device)
        self.blocks = [block for stage in self.net.blocks for block in stage]

    @torch.no_grad()
    def __call__(self, photographs: Tensor, map_size: tuple[int, int]) -> Tensor:
        """(B, 3, S, S) -> x (B, 216, H, W)."""
        net, kept = self.net, []
        f = net.bn1(net.conv_stem(photographs))
        for number, block in enumerate(self.blocks):
            f = block(f)
            if number in STAGES:
                kept.append(f)
        net.forward_head(net.bn2(net.conv_head(f)))  # classified, and the answer thrown away
        resized = [F.interpolate(f, map_size, mode="bilinear", align_corners=True) for f in kept]
        return torch.cat(resized, dim=1)


def released_step(
    config: GradConfig, training: TrainConfig, *, backbone: bool = True, device: torch.device | str = "cpu"
) -> Way:
    """One step on `training.batch_size` random photographs; backbone False: on random features at hand.

    It ends when the device has done it, as the loss is asked for.
    """
    generator = torch.Generator().manual_seed(0)
    photographs = torch.randn(training.batch_size, 3, 224, 224, generator=generator).to(device)
    features = torch.randn(training.batch_size, config.channels, *config.map_size, generator=generator).to(device)
    model, whole = SampledGRAD(config).to(device).train(), WholeBackbone(device) if backbone else None
    optimizer = AdamW(model.parameters(), foreach=False)

    def step() -> float:
        out = model(features if whole is None else whole(photographs, config.map_size))
        loss = F.mse_loss(out.reconstruction, out.features)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or 0.1)
        optimizer.step()
        return loss.item()

    return step
