"""Photographs that travel with a figure: many in one WebP image."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from gradlib.data.images import read_image

ACROSS = 8  # photographs in a row of the sheet


def sheet(paths: Sequence[Path], side: int) -> bytes:
    """Photographs squashed to side x side as one WebP image, ACROSS in a row.

    Raises InputError for a damaged file.
    """
    squashed = [read_image(path).resize((side, side), Image.Resampling.BILINEAR) for path in paths]
    return tiled(squashed, ACROSS, quality=80)


def tiled(images: Sequence[Image.Image], across: int, *, quality: int) -> bytes:
    """Equally large images, one at least, as one WebP image, `across` in a row."""
    width, height = images[0].size
    whole = Image.new(images[0].mode, (min(len(images), across) * width, -(-len(images) // across) * height))
    for number, image in enumerate(images):
        whole.paste(image, (number % across * width, number // across * height))
    file = io.BytesIO()
    whole.save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()
