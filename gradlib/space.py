"""Coordinate space: where images and patches lie in it, and what normal features look like where no image lies.

Explained in {ref}`ch-space`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradlib.errors import InputError
from gradlib.model import GRAD, Features

__all__ = ["PictureAt", "Places", "places"]


class Places(NamedTuple):
    """Where N images and their patches lie, and what is left of each patch."""

    v_l: Tensor  # (N, C_l, H, W), in (-1, 1)
    v_g: Tensor  # (N, C_g), in (-1, 1)
    d: Tensor  # (N, H, W), Eq. 8


@torch.no_grad()  # not inference mode: a reader may go on with these tensors
def places(model: GRAD, features: Features) -> Places:
    """Coordinates and errors of N images, on the CPU; features: rows (C, H, W), raw.

    Puts the model in evaluation mode.
    """
    model.eval()
    parts = []
    for block in torch.arange(len(features)).split(64):
        output = model(features[block].to(model.feature_mean.device))
        parts.append((output.local_coordinates.cpu(), output.global_coordinates.cpu(), output.error.cpu()))
    return Places(*(torch.cat(part) for part in zip(*parts, strict=True)))


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
