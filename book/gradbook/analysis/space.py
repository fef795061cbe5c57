"""Coordinate space: what normal features look like at global coordinates where no image lies."""

import torch
from torch import Tensor, nn

from gradlib.errors import InputError
from gradlib.model import GRAD


class PictureAt(nn.Module):
    """The normal feature of an image's patches at any global coordinate u, decoded to a picture.

    f^n(u; x) = psi(concat(phi(v^l(x); G_l), reshape(phi(u; G_g)))), Eq. {eq}`eq-free`; with u = v^g(x) this is Eq. 4.
    v_l: (B, C_l, H, W), u: (B, C_g), both in [-1, 1] -> pictures (B, 3, 8H, 8W) in [0, 1]. Explained in
    {ref}`ch-space`. Raises InputError unless both memories of the model are grids with two axes.
    """

    def __init__(self, model: GRAD, decoder: nn.Module):
        super().__init__()
        config = model.config
        planes = (config.local_memory, config.local_dim), (config.global_memory, config.global_dim)
        if planes != (("grid", 2),) * 2:
            raise InputError(
                f"A model with a local memory {planes[0]} and a global memory {planes[1]} (kind, axes) has no two "
                "planes to show: give one with grids of 2 axes."
            )
        self.G_l, self.G_g, self.psi, self.decoder = model.G_l, model.G_g, model.psi, decoder
        self.local_first = config.concat == "local_global"
        self.eval()

    def normal(self, v_l: Tensor, u: Tensor) -> Tensor:
        """f^n(u; x) (B, C, H, W), in the model's feature units."""
        f_l, f_g = self.G_l(v_l), self.G_g(u)  # (B, C, H, W) each
        in_order = [f_l, f_g] if self.local_first else [f_g, f_l]
        return self.psi(torch.cat(in_order, dim=1))  # (B, 2C, H, W) -> (B, C, H, W)

    def forward(self, v_l: Tensor, u: Tensor) -> Tensor:
        return self.decoder(self.normal(v_l, u))
