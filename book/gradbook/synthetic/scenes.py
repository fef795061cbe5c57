"""Normal scenes of the synthetic categories, composed of real images that installed packages contain.

Bricks, gravel, coins and a lunar plain come with scikit-image, the solar cells with elpv-dataset. Training and test
images share no pixel of a texture and no cell; the nine coins are one product, the same in both.
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
GAP = 4  # columns between the training and the test part of a texture, since interpolation reaches beyond a crop
CROP_SIDES = (150, 190)  # smallest and largest side of a texture's crop, pixels

# coins of skimage.data.coins(): row, column, radius; the first nine are on the board, in this order
COINS = (
    *((54, 45, 22), (51, 156, 23), (51, 216, 24), (124, 46, 21), (125, 206, 20)),
    *((119, 271, 25), (196, 102, 22), (193, 213, 24), (263, 244, 24), (194, 274, 23), (263, 301, 25), (268, 358, 22)),
)
COIN_RADIUS, COIN_PITCH, COIN_JITTER, COIN_TURN = 29, 78, 3, 8  # on the board, in pixels; the turn in degrees
CELL_SIDE, CELL_PITCH = 118, 123  # of a module's cells, pixels
CELL_LEVEL = 140  # mean grey level of a module's cells


@dataclass(frozen=True)
class Cutout:
    """An object cut out of an image, and its place in a scene."""

    pixels: Image.Image
    alpha: Image.Image  # 255 where the cutout is opaque
    centre: tuple[int, int]  # row, column
    angle: float = 0.0  # degrees, anticlockwise


@dataclass(frozen=True)
class Scene:
    """A background of grey levels (SIDE, SIDE) and the cutouts on it, from bottom to top."""

    split: str
    background: np.ndarray
    cutouts: tuple[Cutout, ...] = ()


def render(scene: Scene) -> np.ndarray:
    """The scene's grey levels, (SIDE, SIDE) float64, integers from 0 to 255."""
    canvas = Image.fromarray(grey(scene.background))
    for cutout in scene.cutouts:
        pixels = cutout.pixels.rotate(cutout.angle, Image.Resampling.BICUBIC)
        alpha = cutout.alpha.rotate(cutout.angle, Image.Resampling.BILINEAR)
        row, column = cutout.centre
        canvas.paste(pixels, (column - pixels.width // 2, row - pixels.height // 2), alpha)
    return np.asarray(canvas, dtype=np.float64)


def grey(levels: np.ndarray) -> np.ndarray:
    """Levels rounded and clipped to uint8."""
    return np.rint(levels).clip(0, 255).astype(np.uint8)


def columns(width: int, split: str) -> slice:
    """The columns of a texture that a split may use: three fifths for training, the rest for testing."""
    middle = width * 3 // 5
    return slice(0, middle) if split == "train" else slice(middle + GAP, width)


@cache
def cell_paths(category: str, split: str) -> tuple[Path, ...]:
    """ELPV's normal cells of one category and split, ordered by module."""
    return tuple(sample.image for sample in read_elpv(categories=[category]).select(split=split, label=0))


@cache
def bundled_image(name: str) -> np.ndarray:
    """A grey image that comes with scikit-image, (height, width) uint8."""
    return np.asarray(getattr(skimage.data, name)())


def coin(number: int) -> Cutout:
    """A coin without its background, scaled to COIN_RADIUS, at the centre of the image."""
    pixels, alpha = _cut_coin(number)
    return Cutout(pixels, alpha, (SIDE // 2, SIDE // 2))


def cell(category: str, split: str, rng: np.random.Generator) -> Image.Image:
    """A random normal ELPV cell, unchanged."""
    paths = cell_paths(category, split)
    return _open_grey(paths[rng.integers(len(paths))])


def module_cell(image: Image.Image, level: float) -> Image.Image:
    """A cell at the scale of a module, with a mean grey level of `level`."""
    levels = np.asarray(image.resize((CELL_SIDE, CELL_SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    return Image.fromarray(grey(levels * (level / levels.mean())))


def crop(name: str, split: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of a texture from the split's columns, `side` pixels wide, resized to (SIDE, SIDE)."""
    texture = bundled_image(name)
    texture = texture[:, columns(texture.shape[1], split)]
    top, left = (int(rng.integers(length - side + 1)) for length in texture.shape)
    square = Image.fromarray(texture[top : top + side, left : left + side])
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)


def _bricks(split: str, rng: np.random.Generator) -> Scene:
    """A brick wall, which may be mirrored but not rotated, as it was taken at an angle."""
    levels = crop("brick", split, int(rng.integers(*CROP_SIDES, endpoint=True)), rng)
    return Scene(split, levels[:, ::-1] if rng.random() < 0.5 else levels)


def _gravel(split: str, rng: np.random.Generator) -> Scene:
    """Gravel, which looks the same from all sides."""
    levels = np.rot90(crop("gravel", split, int(rng.integers(190, 201)), rng), int(rng.integers(4)))
    return Scene(split, levels[::-1] if rng.random() < 0.5 else levels)


def _cell(split: str, rng: np.random.Generator) -> Scene:
    """One polycrystalline solar cell, which has no upper end."""
    image = cell("poly", split, rng)
    left, top = rng.uniform(0, 12, 2)  # the camera's position varies
    box = (left, top, image.width - 12 + left, image.height - 12 + top)
    levels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box), dtype=np.float64)
    return Scene(split, levels[:: rng.choice((1, -1)), :: rng.choice((1, -1))])


def _coins(split: str, rng: np.random.Generator) -> Scene:
    """Nine coins, each at its own place, on a stone plate (a lunar plain)."""
    stone = crop("moon", split, int(rng.integers(*CROP_SIDES, endpoint=True)), rng)
    plate = 65 + np.clip(0.4 * (stone - np.median(stone)), -15, 15)  # without the darkest and brightest craters
    cutouts = []
    for number in range(9):
        pixels, alpha = _cut_coin(number)
        row, column = SIDE // 2 + COIN_PITCH * (np.array(divmod(number, 3)) - 1) + _jitter(COIN_JITTER, rng)
        cutouts.append(Cutout(pixels, alpha, (int(row), int(column)), rng.uniform(-COIN_TURN, COIN_TURN)))
    return Scene(split, plate, tuple(cutouts))


def _module(split: str, rng: np.random.Generator) -> Scene:
    """Four similar monocrystalline cells, as in a real module."""
    level = CELL_LEVEL * rng.uniform(0.9, 1.1)
    alpha = Image.new("L", (CELL_SIDE, CELL_SIDE), 255)
    cutouts = []
    for place, path in enumerate(_similar_cells(split, rng)):
        pixels = module_cell(_open_grey(path), level * rng.uniform(0.95, 1.05))
        row, column = (SIDE - CELL_PITCH) // 2 + CELL_PITCH * np.array(divmod(place, 2)) + _jitter(1, rng)
        cutouts.append(Cutout(pixels, alpha, (int(row), int(column)), rng.uniform(-0.6, 0.6)))
    return Scene(split, np.full((SIDE, SIDE), rng.uniform(28, 40)), tuple(cutouts))


def _similar_cells(split: str, rng: np.random.Generator) -> list[Path]:
    """A random cell and three of the six most similar ones (ELPV does not state which module a cell belongs to)."""
    paths, vectors = cell_paths("mono", split), _unit_vectors(split)
    similarity = vectors @ vectors[(first := int(rng.integers(len(paths))))]
    nearest = np.argsort(-similarity, kind="stable")[1:7]
    return [paths[number] for number in (first, *rng.choice(nearest, 3, replace=False))]


@cache
def _unit_vectors(split: str) -> np.ndarray:
    """Small copies of the monocrystalline cells, centred and scaled to length 1: (cells, 75 * 75)."""
    copies = [np.asarray(_open_grey(path).reduce(4), np.float64).ravel() for path in cell_paths("mono", split)]
    centred = np.stack(copies) - np.mean(copies, axis=1, keepdims=True)
    # rounded, because the last digits of a matrix product differ between machines and would decide ties
    return np.round(centred / np.linalg.norm(centred, axis=1, keepdims=True), 6)


def _jitter(most: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-most, most, 2, endpoint=True)


@cache
def _cut_coin(number: int) -> tuple[Image.Image, Image.Image]:
    """A coin's pixels and alpha: the region brighter than the felt around it, connected and without holes."""
    row, column, radius = COINS[number]
    half = round(1.2 * radius)
    box = bundled_image("coins")[row - half : row + half, column - half : column + half]
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
    with Image.open(path) as image:
        return image.convert("L")


SCENES: dict[str, Callable[[str, np.random.Generator], Scene]] = {
    "bricks": _bricks,
    "cell": _cell,
    "coins": _coins,
    "gravel": _gravel,
    "module": _module,
}
