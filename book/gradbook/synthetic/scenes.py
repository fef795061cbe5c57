"""Defect-free scenes of the synthetic classes, cut out of real photographs that lie in installed packages.

Bricks, gravel, coins and a lunar plain come with scikit-image, the solar cells with elpv-dataset. Train and test never
share a pixel of a texture or a cell; the nine coins are one product, the same in both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from scipy import ndimage

from gradlib.data.elpv import read_elpv

SIDE = 256  # pixels of an image
GAP = 4  # columns between the train and the test part of a texture, as interpolation looks beyond a crop
CROPS = (150, 190)  # smallest and largest side of a texture's crop

# coins of skimage.data.coins() by row, column and radius; the first nine lie on the board, in this order
COINS = (
    *((54, 45, 22), (51, 156, 23), (51, 216, 24), (124, 46, 21), (125, 206, 20)),
    *((119, 271, 25), (196, 102, 22), (193, 213, 24), (263, 244, 24), (194, 274, 23), (263, 301, 25), (268, 358, 22)),
)
COIN_RADIUS, COIN_PITCH, COIN_JITTER, COIN_TURN = 29, 78, 3, 8  # on the board: pixels, pixels, pixels, degrees
CELL_SIDE, CELL_PITCH = 118, 123  # of a module's cells, pixels
CELL_LEVEL = 140  # a module's cells are exposed alike, to this mean grey


@dataclass(frozen=True)
class Part:
    """Something cut out of a photograph, and where it lies."""

    pixels: Image.Image
    alpha: Image.Image  # 255 where the part covers what is below
    centre: tuple[int, int]  # row, column
    angle: float = 0.0  # degrees, anticlockwise


@dataclass(frozen=True)
class Scene:
    """A background, (SIDE, SIDE) of grey levels, and the parts on it, from the lowest to the topmost."""

    split: str
    background: np.ndarray
    parts: tuple[Part, ...] = ()


def render(scene: Scene) -> np.ndarray:
    """The scene as grey levels, (SIDE, SIDE) float64 of whole numbers from 0 to 255."""
    canvas = Image.fromarray(grey(scene.background))
    for part in scene.parts:
        pixels = part.pixels.rotate(part.angle, Image.Resampling.BICUBIC)
        alpha = part.alpha.rotate(part.angle, Image.Resampling.BILINEAR)
        canvas.paste(pixels, (part.centre[1] - pixels.width // 2, part.centre[0] - pixels.height // 2), alpha)
    return np.asarray(canvas, dtype=np.float64)


def grey(levels: np.ndarray) -> np.ndarray:
    """Levels rounded and clipped to uint8."""
    return np.rint(levels).clip(0, 255).astype(np.uint8)


def columns(width: int, split: str) -> slice:
    """The columns of a texture that a split may use: three fifths for training, the rest for tests."""
    middle = width * 3 // 5
    return slice(0, middle) if split == "train" else slice(middle + GAP, width)


@cache
def cell_paths(category: str, split: str) -> tuple[Path, ...]:
    """ELPV's normal cells of one class and split, in the order of their modules."""
    return tuple(sample.image for sample in read_elpv(categories=[category]).select(split=split, label=0))


@cache
def photograph(name: str) -> np.ndarray:
    """One of scikit-image's bundled grey photographs, (height, width) uint8."""
    return np.asarray(getattr(skimage.data, name)())


def coin(number: int) -> Part:
    """A coin without its background, brought to COIN_RADIUS, at the centre of the image."""
    pixels, alpha = _cut_coin(number)
    return Part(pixels, alpha, (SIDE // 2, SIDE // 2))


def cell(category: str, split: str, rng: np.random.Generator) -> Image.Image:
    """A random normal ELPV cell, as it is."""
    paths = cell_paths(category, split)
    return _open_grey(paths[rng.integers(len(paths))])


def module_cell(photo: Image.Image, level: float) -> Image.Image:
    """A cell at a module's scale and exposure."""
    levels = np.asarray(photo.resize((CELL_SIDE, CELL_SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    return Image.fromarray(grey(levels * (level / levels.mean())))


def crop(name: str, split: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of a texture, (SIDE, SIDE), from the split's own columns."""
    picture = photograph(name)
    picture = picture[:, columns(picture.shape[1], split)]
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape)
    square = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)


def _bricks(split: str, rng: np.random.Generator) -> Scene:
    """A wall seen at an angle: it may be mirrored but not turned."""
    levels = crop("brick", split, int(rng.integers(*CROPS, endpoint=True)), rng)
    return Scene(split, levels[:, ::-1] if rng.random() < 0.5 else levels)


def _gravel(split: str, rng: np.random.Generator) -> Scene:
    """Gravel looks alike from all sides."""
    levels = np.rot90(crop("gravel", split, int(rng.integers(190, 201)), rng), int(rng.integers(4)))
    return Scene(split, levels[::-1] if rng.random() < 0.5 else levels)


def _cell(split: str, rng: np.random.Generator) -> Scene:
    """One polycrystalline solar cell; which of its ends is up means nothing."""
    photo = cell("poly", split, rng)
    left, top = rng.uniform(0, 12, 2)  # a camera that is not always in the same place
    box = (left, top, photo.width - 12 + left, photo.height - 12 + top)
    levels = np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box), dtype=np.float64)
    return Scene(split, levels[:: rng.choice((1, -1)), :: rng.choice((1, -1))])


def _coins(split: str, rng: np.random.Generator) -> Scene:
    """Nine coins, each in its own place, on a stone plate (a lunar plain)."""
    stone = crop("moon", split, int(rng.integers(*CROPS, endpoint=True)), rng)
    plate = 65 + np.clip(0.4 * (stone - np.median(stone)), -15, 15)  # without the blackest and whitest craters
    parts = []
    for number in range(9):
        pixels, alpha = _cut_coin(number)
        row, column = SIDE // 2 + COIN_PITCH * (np.array(divmod(number, 3)) - 1) + _jitter(COIN_JITTER, rng)
        parts.append(Part(pixels, alpha, (int(row), int(column)), rng.uniform(-COIN_TURN, COIN_TURN)))
    return Scene(split, plate, tuple(parts))


def _module(split: str, rng: np.random.Generator) -> Scene:
    """Four monocrystalline cells of one make, as in a real module."""
    level = CELL_LEVEL * rng.uniform(0.9, 1.1)
    alpha = Image.new("L", (CELL_SIDE, CELL_SIDE), 255)
    parts = []
    for place, path in enumerate(_alike(split, rng)):
        pixels = module_cell(_open_grey(path), level * rng.uniform(0.95, 1.05))
        row, column = (SIDE - CELL_PITCH) // 2 + CELL_PITCH * np.array(divmod(place, 2)) + _jitter(1, rng)
        parts.append(Part(pixels, alpha, (int(row), int(column)), rng.uniform(-0.6, 0.6)))
    return Scene(split, np.full((SIDE, SIDE), rng.uniform(28, 40)), tuple(parts))


def _alike(split: str, rng: np.random.Generator) -> list[Path]:
    """A random cell and three of the six that look most like it (ELPV does not say which module a cell is from)."""
    paths, looks = cell_paths("mono", split), _looks(split)
    likeness = looks @ looks[(first := int(rng.integers(len(paths))))]
    nearest = np.argsort(-likeness, kind="stable")[1:7]
    return [paths[number] for number in (first, *rng.choice(nearest, 3, replace=False))]


@cache
def _looks(split: str) -> np.ndarray:
    """Small copies of the monocrystalline cells, (cells, 75 * 75), centred and of length 1."""
    copies = [np.asarray(_open_grey(path).reduce(4), np.float64).ravel() for path in cell_paths("mono", split)]
    centred = np.stack(copies) - np.mean(copies, axis=1, keepdims=True)
    # rounded, as the last digits of a matrix product differ between machines and would decide ties
    return np.round(centred / np.linalg.norm(centred, axis=1, keepdims=True), 6)


def _jitter(most: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-most, most, 2, endpoint=True)


@cache
def _cut_coin(number: int) -> tuple[Image.Image, Image.Image]:
    """A coin's pixels and alpha: what is brighter than the felt around it, as one piece without holes."""
    row, column, radius = COINS[number]
    half = round(1.2 * radius)
    box = photograph("coins")[row - half : row + half, column - half : column + half]
    pieces, _ = ndimage.label(ndimage.binary_fill_holes(box > _between(box)))
    piece = ndimage.binary_opening(pieces == pieces[half, half], iterations=2)
    size = (round(2 * half * COIN_RADIUS / radius),) * 2
    alpha = Image.fromarray(ndimage.binary_erosion(piece).astype(np.uint8) * 255)
    return (
        Image.fromarray(box).resize(size, Image.Resampling.BICUBIC),
        alpha.resize(size, Image.Resampling.BILINEAR),
    )


def _between(box: np.ndarray) -> float:
    """A grey level between the felt (the box's corners) and the coin (its middle)."""
    corner = len(box) // 8
    felt = np.median([box[:corner, :corner], box[:corner, -corner:], box[-corner:, :corner], box[-corner:, -corner:]])
    middle = box[len(box) // 4 : -len(box) // 4, len(box) // 4 : -len(box) // 4]
    return float(0.6 * felt + 0.4 * np.median(middle))


def _open_grey(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("L")


SCENES: dict[str, Callable[[str, np.random.Generator], Scene]] = {
    "bricks": _bricks,
    "cell": _cell,
    "coins": _coins,
    "gravel": _gravel,
    "module": _module,
}
