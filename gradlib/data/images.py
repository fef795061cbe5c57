"""From image files to arrays: upright 8-bit RGB, the protocol's resize, and masks."""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from gradlib.data.samples import Sample
from gradlib.errors import InputError

EXIF_ORIENTATION = 0x0112
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # one channel of 16 bits, 32 in memory for "I"
DEEP_MAXIMUM = 65535
# what Pillow raises on damaged files, beyond OSError
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, TypeError, IndexError, KeyError)

_squashed_folders: set[Path] = set()  # those already warned of


def read_image(path: Path) -> Image.Image:
    """The image as 8-bit RGB, upright (EXIF orientation applied); raises InputError for a damaged file."""
    image = _open_upright(path)
    if image.mode in DEEP_MODES:
        return _eight_bits(image, path).convert("RGB")
    if image.mode == "F":
        raise InputError(
            f"The image {path} holds floating-point values, whose range is unknown: save it with 8 or 16 bits."
        )
    return _without_alpha(image)


def image_tensor(path: Path, size: int, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """The image squashed to `size` x `size` pixels (Pillow bilinear, as the protocol does) and normalised.

    mean, std: three each, of values in [0, 1]. Returns (3, size, size) float32. Warns once per folder of images that
    are not square. Raises InputError as read_image does.
    """
    image = read_image(path)
    if image.width != image.height and path.parent not in _squashed_folders:
        _squashed_folders.add(path.parent)
        warnings.warn(
            f"{path} is {image.width} x {image.height} pixels, not square, and is squashed to {size} x {size} like all "
            f"such images in its folder: crop them to squares first if their shape matters.",
            stacklevel=2,
        )
    pixels = np.array(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / 255  # (size, size, 3)
    normalised = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return torch.from_numpy(normalised).permute(2, 0, 1).contiguous()  # (3, size, size)


def read_mask(sample: Sample, size: int) -> np.ndarray:
    """The sample's ground truth, nearest-neighbour resized, True where > 0: (size, size) bool; all False when normal.

    Raises InputError for an anomalous sample without mask and a mask of another size than its image.
    """
    if sample.mask is None:
        if sample.label:
            raise InputError(f"The anomalous image {sample.image} has no mask: add one, or leave out pixel metrics.")
        return np.zeros((size, size), bool)
    mask = _open_upright(sample.mask)
    expected = _upright_size(sample.image)
    if mask.size != expected:
        raise InputError(
            f"The mask {sample.mask} is {mask.width} x {mask.height} pixels but its image {sample.image} is "
            f"{expected[0]} x {expected[1]}: make the mask as large as the image."
        )
    marked = Image.fromarray(_marked(mask).astype(np.uint8))
    return np.array(marked.resize((size, size), Image.Resampling.NEAREST)) > 0


def _marked(mask: Image.Image) -> np.ndarray:
    """Where a mask is not black, (height, width) bool: small values count (VisA's are 1, 2, ...), alpha does not."""
    if mask.mode in (*DEEP_MODES, "F"):
        return np.greater(np.asarray(mask), 0)
    return np.any(np.asarray(_without_alpha(mask)) > 0, axis=-1)  # a palette's colour counts, not its index


def _without_alpha(image: Image.Image) -> Image.Image:
    """RGB with alpha dropped, not composited.

    What a sensor saw under a transparent pixel is still the measurement, and any background that we chose would become
    a feature of the image.
    """
    if image.mode in ("P", "PA", "La", "RGBa"):  # undoes palettes and premultiplied colours first
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGB")


def _open_upright(path: Path) -> Image.Image:
    """A fully decoded image with its EXIF orientation applied."""
    with _damage_named(path), Image.open(path) as image:
        image.load()
        return ImageOps.exif_transpose(image)


def _upright_size(path: Path) -> tuple[int, int]:
    """(width, height) after EXIF orientation, from the header alone."""
    with _damage_named(path), Image.open(path) as image:
        turned = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn what Pillow raises on a file into one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"The image {path} does not exist: restore it or read the folder again.") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"The image {path} is damaged or too large ({error}): copy it again or shrink it.") from error
    except UnidentifiedImageError as error:
        what = "is empty (0 bytes)" if path.stat().st_size == 0 else "is no image that Pillow can read"
        raise InputError(f"The file {path} {what}: copy it again or remove it.") from error
    except DAMAGED as error:
        raise InputError(f"The image {path} is damaged or truncated ({error}): copy it again or remove it.") from error


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """16 bits scaled to 8: Pillow's own conversion clips at 255, which turns most such photographs white."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > DEEP_MAXIMUM:
        raise InputError(
            f"The image {path} has values from {values.min()} to {values.max()}, beyond 16 bits: "
            "save it with 8 or 16 bits."
        )
    return Image.fromarray(np.rint(values * (255 / DEEP_MAXIMUM)).astype(np.uint8))


def squashed(image: Image.Image, size: int) -> Tensor:
    """The pixels as the detector takes them, (1, 3, size, size) of 0 to 255; resized as `image_tensor` does files."""
    pixels = np.array(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()  # (1, 3, size, size)
