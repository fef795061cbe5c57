"""Many images of one size in a single file, which travels with a figure."""

import io
from collections.abc import Sequence
from pathlib import Path

import traitlets
from PIL import Image
from torch import Tensor

from gradbook.living.base import LivingFigure
from gradlib.data.images import read_image

ACROSS = 8  # images in a row of the sheet


class ImageFigure(LivingFigure):
    """A living figure of several images and their maps. Subclasses say what `names` names: images or categories."""

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    images = traitlets.Bytes().tag(sync=True)  # WebP, `across` in a row
    across = traitlets.Int(ACROSS).tag(sync=True)
    size = traitlets.Int().tag(sync=True)  # side of the upsampled maps, in pixels
    map_size = traitlets.List(traitlets.Int()).tag(sync=True)  # H, W


def image_sheet(paths: Sequence[Path], side: int) -> bytes:
    """Images squashed to side x side pixels, as one WebP file with ACROSS in a row.

    Raises InputError for a damaged file.
    """
    squashed = [read_image(path).resize((side, side), Image.Resampling.BILINEAR) for path in paths]
    return tiled(squashed, ACROSS, quality=80)


def tiled(images: Sequence[Image.Image], across: int, *, quality: int) -> bytes:
    """One or more images of one size, as one WebP file with `across` in a row; quality: Pillow's, 0 to 100."""
    width, height = images[0].size
    sheet = Image.new(images[0].mode, (min(len(images), across) * width, -(-len(images) // across) * height))
    for number, image in enumerate(images):
        sheet.paste(image, (number % across * width, number // across * height))
    file = io.BytesIO()
    sheet.save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()


def as_image(picture: Tensor) -> Image.Image:
    """A picture (3, height, width) in [0, 1] with 8 bits."""
    return Image.fromarray((255 * picture).round().byte().permute(1, 2, 0).numpy())


def stacked(images: Sequence[Image.Image]) -> bytes:
    """Images of one size below each other as one PNG file, without loss."""
    width, height = images[0].size
    strip = Image.new(images[0].mode, (width, height * len(images)))
    for number, image in enumerate(images):
        strip.paste(image, (0, height * number))
    file = io.BytesIO()
    strip.save(file, "PNG", optimize=True)
    return file.getvalue()
