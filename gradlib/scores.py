"""From the distance map d of Eq. 8 to the anomaly map and to one score for each image (Section 3.3), in two protocols.

`anomaly_map` lists the differences between the protocols. Both settle in the same way what the text leaves open: d is
resized bilinearly with aligned corners (the paper says only "interpolated"), maps and masks are compared at the
network's input size (224) instead of the image's own, and the pooling window is a seventh of the map (32 at 224, as in
the released code). That code also reports the epoch that is best on the test images; no protocol here does.
Explained in {ref}`ch-scores`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gradlib.config import check_protocol
from gradlib.errors import InputError

BOX = 21  # pixels, the released code's smoothing window
POOL_DIVISOR = 7  # a window of size // 7 is the released code's 32 pixels at 224, and scales to other sizes


def anomaly_map(d: Tensor, size: int | tuple[int, int], protocol: str = "paper") -> Tensor:
    """Resize distance maps d (Eq. 8) to the images' size and, under the released protocol, smooth them.

    d: (B, H, W); size: the side S or (height, width), in pixels. Returns (B, S, S) on d's device, float32 (float64 if
    d is). All differences between the protocols, "paper" (the text) and "released" (the released code):

    1. Here: "paper" only resizes; "released" then takes the mean over a 21 x 21 box, stride 1, at every size,
       with the zeros beyond the border counted (so maps fade there). It precedes every metric, image and pixel.
    2. `image_score`: the same pooling, but under "released" of the smoothed maps.
    3. `evaluate`: "paper" reports an AUROC below 0.5 as it is, "released" as 1 - AUROC (image, pixel).

    Raises InputError for an unknown protocol, a wrong shape or size, and a map that is not finite, naming the image.
    """
    check_protocol(protocol)
    _check_maps(d, "distance maps")
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise InputError(f"The anomaly map's size is {height} x {width}: give at least 1 x 1 pixels.")
    d = d.to(torch.promote_types(d.dtype, torch.float32))
    maps = F.interpolate(d[:, None], (height, width), mode="bilinear", align_corners=True)  # (B, 1, S, S)
    if protocol == "released":
        maps = _box_mean(maps, (BOX, BOX), padding=BOX // 2)
    return maps[:, 0]


def image_score(maps: Tensor, protocol: str = "paper") -> Tensor:
    """One score for each image: the largest value of the average-pooled anomaly map (Section 3.3).

    maps: (B, S, S) from `anomaly_map` under the same protocol, which is where the released smoothing happens; the pool
    (window S // 7, stride 1, no padding) is the same in both. Returns (B,).
    Raises InputError for an unknown protocol, a wrong shape, and a map that is not finite, naming the image.
    """
    check_protocol(protocol)
    _check_maps(maps, "anomaly maps")
    window = (max(maps.shape[1] // POOL_DIVISOR, 1), max(maps.shape[2] // POOL_DIVISOR, 1))
    return _box_mean(maps[:, None], window, padding=0).amax(dim=(1, 2, 3))


def _box_mean(maps: Tensor, window: tuple[int, int], padding: int) -> Tensor:
    """Mean over a box, (B, 1, S, S): columns, then rows, which is the same mean by 2k instead of k^2 additions."""
    columns = F.avg_pool2d(maps, (window[0], 1), stride=1, padding=(padding, 0), count_include_pad=True)
    return F.avg_pool2d(columns, (1, window[1]), stride=1, padding=(0, padding), count_include_pad=True)


def _check_maps(maps: Tensor, what: str) -> None:
    if maps.ndim != 3 or 0 in maps.shape[1:]:
        raise InputError(f"The {what} have shape {tuple(maps.shape)}: give (B, H, W), one map for each image.")
    if torch.compiler.is_compiling():
        return  # an exported graph cannot raise; shapes are fixed in it
    finite = torch.isfinite(maps).flatten(1).all(dim=1)
    if not bool(finite.all()):
        raise InputError(
            f"The {what} hold NaN or inf at image {int(finite.logical_not().nonzero()[0])} of the batch, counted from "
            f"0: look for NaN in that image's features or for a training that diverged, or leave the image out."
        )
