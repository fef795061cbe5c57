"""From image files to arrays: upright 8-bit RGB, the protocol's resize, and masks."""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gradlib.errors import InputError

EXIF_ORIENTATION = 0x0112
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # one channel of 16 bits, stored in 32 for "I"
DEEP_MAXIMUM = 65535
# what Pillow raises on damaged files, beyond OSError
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, TypeError, IndexError, KeyError)

_warned_folders: set[Path] = set()  # of images that are not square


def read_image(path: Path) -> Image.Image:
    """The image as 8-bit RGB with its EXIF orientation applied; 16 bits are scaled to 8, alpha is dropped.

    Raises InputError for a missing or damaged file, floating-point values, and values beyond 16 bits.
    """
    image = _open_upright(path)
    if image.mode in DEEP_MODES:
        return _eight_bits(image, path).convert("RGB")
    if image.mode == "F":
        raise InputError(
            f"The image {path} holds floating-point values, whose range is unknown: save it with 8 or 16 bits."
        )
    return _without_alpha(image)


def squash(image: Image.Image, size: int) -> np.ndarray:
    """The pixels resized to a square by Pillow's bilinear filter, (1, 3, size, size) float32 from 0 to 255.

    A detector takes them as `torch.from_numpy(squash(read_image(path), 224))`.
    """
    pixels = np.array(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), np.float32)  # (S, S, 3)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]  # (1, 3, S, S)


def image_array(path: Path, size: int, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The image squashed to `size` x `size` pixels, scaled to [0, 1] and normalised: (3, size, size) float32.

    mean, std: three each, of values in [0, 1]. Warns once per folder of images that are not square. Raises InputError
    as `read_image` does.
    """
    image = read_image(path)
    if image.width != image.height and path.parent not in _warned_folders:
        _warned_folders.add(path.parent)
        warnings.warn(
            f"{path} is {image.width} x {image.height} pixels, not square, and is squashed to {size} x {size} like all "
            f"such images in its folder: crop them to squares first if their shape matters.",
            stacklevel=2,
        )
    centre, spread = (np.asarray(values, np.float32)[:, None, None] for values in (mean, std))  # (3, 1, 1)
    return (squash(image, size)[0] / 255 - centre) / spread  # (3, S, S)


def mask_array(mask: Path, image: Path, size: int) -> np.ndarray:
    """A ground-truth mask resized by nearest neighbour, (size, size) bool, True where it is not black.

    Raises InputError for a damaged file, and for a mask whose size differs from that of its image.
    """
    marks = _open_upright(mask)
    expected = _upright_size(image)
    if marks.size != expected:
        raise InputError(
            f"The mask {mask} is {marks.width} x {marks.height} pixels but its image {image} is "
            f"{expected[0]} x {expected[1]}: make the mask as large as the image."
        )
    marked = Image.fromarray(_not_black(marks).astype(np.uint8))
    return np.array(marked.resize((size, size), Image.Resampling.NEAREST)) > 0


def _not_black(mask: Image.Image) -> np.ndarray:
    """(height, width) bool: small values count (VisA's are 1, 2, ...), alpha does not."""
    if mask.mode in (*DEEP_MODES, "F"):
        return np.greater(np.asarray(mask), 0)
    return np.any(np.asarray(_without_alpha(mask)) > 0, axis=-1)  # a palette's colour counts, not its index


def _without_alpha(image: Image.Image) -> Image.Image:
    """RGB with alpha dropped, not composited.

    What a sensor saw under a transparent pixel is still the measurement; any background put there instead would become
    a feature of the image.
    """
    if image.mode in ("P", "PA", "La", "RGBa"):  # undoes palettes and premultiplied colours first
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGB")


def _open_upright(path: Path) -> Image.Image:
    """A fully decoded image with its EXIF orientation applied."""
    with _pillow_errors_as_input_errors(path), Image.open(path) as image:
        image.load()
        return ImageOps.exif_transpose(image)


def _upright_size(path: Path) -> tuple[int, int]:
    """(width, height) after EXIF orientation, from the header alone."""
    with _pillow_errors_as_input_errors(path), Image.open(path) as image:
        turned = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


@contextmanager
def _pillow_errors_as_input_errors(path: Path) -> Iterator[None]:
    """Turn any error that Pillow raises on a file into an InputError of one sentence."""
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
    """16 bits scaled to 8: Pillow's own conversion clips at 255, which turns most such images white."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > DEEP_MAXIMUM:
        raise InputError(
            f"The image {path} has values from {values.min()} to {values.max()}, beyond 16 bits: "
            "save it with 8 or 16 bits."
        )
    return Image.fromarray(np.rint(values * (255 / DEEP_MAXIMUM)).astype(np.uint8))
