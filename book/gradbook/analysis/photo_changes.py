"""Changes of an image that leave its object intact, squares from another image, and features of images in memory."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor

from gradbook.analysis.brush import WHITE
from gradlib.data.images import squash
from gradlib.errors import InputError
from gradlib.features.backbones import FeatureExtractor

BLOCK = 16  # images at a time


def darker(image: Image.Image, lost: float) -> Image.Image:
    """The image with a share of its light lost, from 0 (unchanged) to 1 (black)."""
    return image.point([round((1 - lost) * level) for level in range(WHITE + 1)] * len(image.getbands()))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """The image convolved with a Gaussian; radius: its standard deviation in pixels."""
    return image.filter(ImageFilter.GaussianBlur(float(radius))) if radius else image


def shifted(image: Image.Image, pixels: int) -> Image.Image:
    """The image moved to the right and down by whole pixels; the first row and column are repeated in the gap."""
    moved = np.pad(np.asarray(image), [(pixels, 0), (pixels, 0), (0, 0)][: np.asarray(image).ndim], mode="edge")
    return Image.fromarray(moved[: image.height, : image.width])


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """The image saved as JPEG of this quality, 1 to 95, and read back."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    file.seek(0)
    return Image.open(file).convert(image.mode)


def turned(image: Image.Image) -> Image.Image:
    """The image rotated anticlockwise by 90 degrees."""
    return image.transpose(Image.Transpose.ROTATE_90)


def mirrored(image: Image.Image) -> Image.Image:
    """The image with left and right exchanged."""
    return ImageOps.mirror(image)


def pasted(image: Image.Image, donor: Image.Image, corner: tuple[int, int], side: int) -> Image.Image:
    """The image with a square from the same place of another image.

    corner: (column, row) and side, in pixels. Raises InputError if the images differ in size.
    """
    if image.size != donor.size:
        raise InputError(f"The images have {image.size} and {donor.size} pixels: give two of the same size.")
    box = (*corner, corner[0] + side, corner[1] + side)
    both = image.copy()
    both.paste(donor.crop(box), box)
    return both


def faded(image: Image.Image, lost: float, corner: tuple[int, int], side: int) -> Image.Image:
    """The image with a share of the light lost inside a square; corner: (column, row) and side, in pixels."""
    return pasted(image, darker(image, lost), corner, side)


@torch.inference_mode()
def features_of(
    images: Sequence[Image.Image], backbone: FeatureExtractor, *, image_size: int = 224, map_size: int
) -> Tensor:
    """Features x (n, C, H, W) of images in memory, preprocessed as `gradlib.data.images.image_array` does with files.

    image_size, map_size: the side S of an image and H = W of its map, in pixels. Raises InputError without images.
    """
    if not images:
        raise InputError("There are no images to compute features of: give at least one.")
    mean, std = (WHITE * torch.tensor(values)[:, None, None] for values in (backbone.mean, backbone.std))  # (3, 1, 1)
    blocks = []
    for first in range(0, len(images), BLOCK):
        pixels = np.concatenate([squash(image, image_size) for image in images[first : first + BLOCK]])
        normalised = (torch.from_numpy(pixels) - mean) / std  # (b, 3, S, S)
        blocks.append(backbone.features(normalised, map_size))
    return torch.cat(blocks)  # (n, C, H, W)
