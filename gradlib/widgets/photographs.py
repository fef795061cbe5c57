"""Photographs that travel with a figure: many in one WebP image."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from gradlib.data import read_image

__all__ = []

ACROSS = 8  # photographs in a row of the sheet


def sheet(paths: Sequence[Path], side: int) -> bytes:
    """Photographs squashed to side x side as one WebP image, ACROSS in a row.

    Raises InputError for a damaged file.
    """
    rows = -(-len(paths) // ACROSS)
    whole = Image.new("RGB", (min(len(paths), ACROSS) * side, rows * side))
    for number, path in enumerate(paths):
        place = (number % ACROSS * side, number // ACROSS * side)
        whole.paste(read_image(path).resize((side, side), Image.Resampling.BILINEAR), place)
    file = io.BytesIO()
    whole.save(file, "WEBP", quality=80, method=6)
    return file.getvalue()
