"""Feature refinement: where f^n is already close to x, let x through (Eq. 5, 6)."""

from torch import Tensor
from torch.nn import functional as F


def similarity(x: Tensor, f_n: Tensor, mse_threshold: float, lambda_mse: float, lambda_cos: float) -> Tensor:
    """S of Eq. 6: lambda_1 * [mse(x, f^n) < k] + lambda_2 * cosim(x, f^n), both over the channels of each pixel.

    x, f_n: (B, C, H, W) -> S (B, H, W). k is in squared feature units, so it depends on the backbone. S is not
    clamped and can be negative. No gradient flows through the indicator; it does through the cosine.
    """
    mse = (x - f_n).square().mean(dim=1)  # (B, H, W)
    near = (mse < mse_threshold).to(x.dtype)
    return lambda_mse * near + lambda_cos * F.cosine_similarity(x, f_n, dim=1)


def refine(x: Tensor, f_n: Tensor, S: Tensor) -> Tensor:
    """x-hat of Eq. 5: S x + (1 - S) f^n, pixel by pixel.

    x, f_n: (B, C, H, W), S: (B, H, W) -> (B, C, H, W). It follows that x - x-hat = (1 - S)(x - f^n): refinement only
    reweighs the error.
    """
    S = S.unsqueeze(1)  # (B, 1, H, W)
    return S * x + (1 - S) * f_n
