"""Coordinate space: where images and patches lie in it, and what normal features look like where no image lies.

Explained in {ref}`ch-space`.
"""

import torch
from torch import Tensor, nn

from gradlib.errors import InputError
from gradlib.model import GRAD


class PictureAt(nn.Module):
    """The normal feature of an image's patches at a free global coordinate u, and its picture.

    f^n(u; x) = psi(concat(phi(v^l(x); G_l), reshape(phi(u; G_g)))), Eq. {eq}`eq-free`, which is Eq. 4 where u = v^g(x).
    v_l: (B, C_l, H, W), u: (B, C_g), both in [-1, 1] -> pictures (B, 3, 8H, 8W) in [0, 1].
    Raises InputError for a model without a grid of two axes on both sides: there is no plane to look at.
    """

    def __init__(self, model: GRAD, decoder: nn.Module):
        super().__init__()
        config = model.config
        planes = (config.local_memory, config.local_dim), (config.global_memory, config.global_dim)
        if planes != (("grid", 2),) * 2 or model.G_l is None or model.G_g is None:
            raise InputError(
                f"A model with {config.local_memory} memory of {config.local_dim} and {config.global_memory} memory of "
                f"{config.global_dim} axes has no two planes to show: give one with 2-dimensional grids."
            )
        self.G_l, self.G_g, self.psi, self.decoder = model.G_l, model.G_g, model.psi, decoder
        self.local_first = config.concat == "local_global"
        self.eval()

    def normal(self, v_l: Tensor, u: Tensor) -> Tensor:
        """f^n(u; x) (B, C, H, W), in the model's feature units."""
        f_l, f_g = self.G_l(v_l), self.G_g(u)  # (B, C, H, W) each
        parts = [f_l, f_g] if self.local_first else [f_g, f_l]
        return self.psi(torch.cat(parts, dim=1))  # (B, 2C, H, W) -> (B, C, H, W)

    def forward(self, v_l: Tensor, u: Tensor) -> Tensor:
        return self.decoder(self.normal(v_l, u))
