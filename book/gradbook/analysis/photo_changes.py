"""What may happen to a photograph while the object on it stays as good as it was, and features of photographs that are
in no file. Used in {ref}`ch-limits`."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from gradlib.data.images import squash
from gradlib.deploy.detector import WHITE
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone

BLOCK = 16  # photographs at a time

Change = Callable[[Image.Image], Image.Image]


def darker(image: Image.Image, lost: float) -> Image.Image:
    """The photograph with a share of its light lost, 0 to 1."""
    return image.point([round((1 - lost) * level) for level in range(WHITE + 1)] * len(image.getbands()))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Out of focus: a Gaussian of this standard deviation, in the photograph's pixels."""
    return image.filter(ImageFilter.GaussianBlur(float(radius))) if radius else image


def shifted(image: Image.Image, pixels: int) -> Image.Image:
    """Moved to the right and down by whole pixels; the first row and column fill what is laid bare."""
    moved = np.pad(np.asarray(image), [(pixels, 0), (pixels, 0), (0, 0)][: np.asarray(image).ndim], mode="edge")
    return Image.fromarray(moved[: image.height, : image.width])


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """Saved as JPEG of this quality and read again."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    file.seek(0)
    return Image.open(file).convert(image.mode)


def turned(image: Image.Image) -> Image.Image:
    """Rotated by 90 degrees anticlockwise."""
    return image.transpose(Image.Transpose.ROTATE_90)


def flipped(image: Image.Image) -> Image.Image:
    """Left and right exchanged."""
    return ImageOps.mirror(image)


def pasted(image: Image.Image, donor: Image.Image, corner: tuple[int, int], side: int) -> Image.Image:
    """The photograph with a square taken from the same place of another one; corner: (column, row), side: pixels.

    Raises InputError for photographs of two sizes.
    """
    if image.size != donor.size:
        raise InputError(f"The photographs have {image.size} and {donor.size} pixels: give two of one size.")
    box = (*corner, corner[0] + side, corner[1] + side)
    both = image.copy()
    both.paste(donor.crop(box), box)
    return both


def faded(image: Image.Image, lost: float, corner: tuple[int, int], side: int) -> Image.Image:
    """The photograph with a share of the light lost inside a square only; corner: (column, row), side: pixels."""
    return pasted(image, darker(image, lost), corner, side)


@torch.inference_mode()
def features_of(images: Sequence[Image.Image], backbone: Backbone, *, image_size: int = 224, map_size: int) -> Tensor:
    """x (n, C, H, W) of photographs in memory, read as `gradlib.data.images.image_array` reads files.

    image_size, map_size: S and H = W, in pixels. Raises InputError where there is no photograph.
    """
    if not images:
        raise InputError("There is no photograph to compute features of: give at least one.")
    mean, std = (WHITE * torch.tensor(values)[:, None, None] for values in (backbone.mean, backbone.std))
    found = []
    for first in range(0, len(images), BLOCK):
        blocks = [squash(image, image_size) for image in images[first : first + BLOCK]]
        pixels = torch.from_numpy(np.concatenate(blocks))  # (b, 3, S, S)
        found.append(backbone.features((pixels - mean) / std, map_size))
    return torch.cat(found)  # (n, C, H, W)
