"""Read the released code's state dicts: the first release (the paper's GRAD) and the final one (CRAD).

Only names and shapes of the released weights are used; the released code itself has no licence and is not part of
this project. What its forward does is stated in the book's chapter on paper and code.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gradlib.config import RELEASED
from gradlib.errors import InputError
from gradlib.model import GRAD

# released name -> ours, for the parts that both releases share
SHARED = {
    r"coord\.(\d)\.": r"v_l.layers.\1.",
    r"coord_\.(\d)\.": r"v_g.layers.\1.",
}
FIRST_RELEASE = {r"layer\.0\.(\d+)\.(conv[12]|bn[12])\.": r"psi.\1.\2."}
FINAL_RELEASE = {
    r"layer\.(\d+)\.conv\.5\.fc\.(\d)\.": r"psi.\1.layers.5.layers.\2.",
    r"layer\.(\d+)\.conv\.(\d)\.": r"psi.\1.layers.\2.",
}


@dataclass(frozen=True)
class ReleasedShape:
    """What a released state dict says of itself."""

    C: int
    pixels: int  # H * W
    R_l: int
    R_g: int
    final: bool  # the final release's MobileBottleneck rather than basic blocks
    blocks: int
    width: int


def read_shape(state: Mapping[str, Tensor]) -> ReleasedShape:
    """Depth, kind and sizes, from names and shapes alone. Raises InputError if it is no GRAD or CRAD state dict."""
    missing = [name for name in ("query.0", "query.1", "recover.weight") if name not in state]
    if missing:
        raise InputError(
            f"No GRAD or CRAD state dict: {missing} missing; pass the module's own state_dict without prefixes."
        )
    shapes = tuple(state["query.0"].shape), tuple(state["query.1"].shape)
    if any(len(shape) != 4 for shape in shapes):
        raise InputError(
            f"No GRAD or CRAD state dict: its grids have shapes {shapes[0]} and {shapes[1]}; give two of (1, K, R, R)."
        )
    (_, C, R_l, _), (_, CHW, R_g, _) = shapes
    final = any(name.startswith("layer.0.conv.") for name in state)
    pattern = r"layer\.(\d+)\.conv\." if final else r"layer\.0\.(\d+)\.conv1\."
    blocks = {int(m[1]) for m in map(re.compile(pattern).match, state) if m}
    if not blocks:
        raise InputError("No GRAD or CRAD state dict: it names no layer of psi that either release has.")
    width = state["layer.0.conv.0.weight"].shape[0] if final else 2 * C
    return ReleasedShape(C, CHW // C, R_l, R_g, final, max(blocks) + 1, width)


def convert(state: Mapping[str, Tensor], shape: ReleasedShape) -> dict[str, Tensor]:
    """The same tensors under our names and layouts."""
    rules = {**SHARED, **(FINAL_RELEASE if shape.final else FIRST_RELEASE)}
    ours = {
        # the released grids are (1, K, R, R) indexed [y, x] by coordinates (x, y); ours (R, R, K) indexed [x, y]
        "G_l.G": state["query.0"][0].permute(2, 1, 0).contiguous(),
        "G_g.G": state["query.1"][0].permute(2, 1, 0).contiguous(),
        f"psi.{shape.blocks}.weight": state["recover.weight"],
        "feature_mean": torch.zeros(shape.C),
        "feature_std": torch.ones(shape.C),
    }
    for name, tensor in state.items():
        for pattern, replacement in rules.items():
            if re.match(pattern, name):
                ours[re.sub(pattern, replacement, name)] = tensor
                break
    return ours


def load_released(
    state_dict: Mapping[str, Any],
    *,
    mse_threshold: float,
    lambda_mse: float,
    lambda_cos: float,
    map_size: tuple[int, int] | None = None,
) -> GRAD:
    """A GRAD in evaluation mode that computes what the released module with these weights computes.

    state_dict: released names to tensors or arrays. map_size: (H, W), needed only where the map is not square, since
    the released global grid stores H*W alone. Raises InputError if names or shapes are not those of a release.
    """
    state = {name: torch.as_tensor(tensor) for name, tensor in state_dict.items()}
    shape = read_shape(state)
    side = math.isqrt(shape.pixels)
    H, W = map_size or (side, side)
    if shape.pixels != H * W:
        raise InputError(f"The global grid holds {shape.pixels} pixels, not {H} x {W}: pass map_size=(H, W).")
    config = replace(
        RELEASED,
        channels=shape.C,
        map_size=(H, W),
        local_resolution=shape.R_l,
        global_resolution=shape.R_g,
        fusion="mobile" if shape.final else "basic",
        blocks=shape.blocks,
        width=shape.width,
        mse_threshold=mse_threshold,
        lambda_mse=lambda_mse,
        lambda_cos=lambda_cos,
    )
    model = GRAD(config)
    try:
        model.load_state_dict(convert(state, shape))
    except RuntimeError as error:
        raise InputError(f"The state dict does not fit the release it resembles: {error}") from error
    return model.eval()
