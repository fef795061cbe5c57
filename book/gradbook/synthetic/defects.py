"""Defects of the synthetic categories: functions from a scene to the grey levels (SIDE, SIDE) of its defective version.

Surface defects change rendered levels; structural ones move, rotate, add, exchange or remove a cutout before rendering.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from gradbook.synthetic.scenes import (
    CELL_SIDE,
    COINS,
    SIDE,
    Cutout,
    Scene,
    bundled_image,
    cell,
    coin,
    crop,
    grey,
    module_cell,
    render,
)

MIN_CHANGE = 3  # grey levels; changes up to this are undone, so that the mask contains only what is visible
CLOSING_RADIUS = 5  # pixels; the mask bridges gaps, since some pixels inside a changed area stay equal by chance
MIN_REGION = 16  # pixels of a region, because AUPRO weights all regions of a mask equally
MIN_AREA = 60  # pixels of a defect

Defect = Callable[[Scene, np.random.Generator], np.ndarray]


def changed_area(clean: np.ndarray, defective: np.ndarray) -> np.ndarray:
    """The mask of a defect, (SIDE, SIDE) bool: where two uint8 images visibly differ, without pinholes and specks.

    A mask of fewer than MIN_AREA pixels is empty.
    """
    visible = np.abs(clean.astype(int) - defective) > MIN_CHANGE
    offsets, margin = np.arange(-CLOSING_RADIUS, CLOSING_RADIUS + 1), CLOSING_RADIUS + 1
    disc = offsets[:, None] ** 2 + offsets**2 <= CLOSING_RADIUS**2
    padded = np.pad(visible, margin)  # otherwise the closing would erode areas at the border
    closed = ndimage.binary_closing(padded, disc)[margin:-margin, margin:-margin]
    regions, _ = ndimage.label(ndimage.binary_fill_holes(closed), np.ones((3, 3)))
    large = np.bincount(regions.ravel()) >= MIN_REGION
    large[0] = False  # the background
    mask = large[regions]
    return mask & (mask.sum() >= MIN_AREA)


def blob(smallest: float, largest: float, soft: float, rng: np.random.Generator) -> np.ndarray:
    """A random ragged spot, (SIDE, SIDE) in [0, 1]: a cone with Perlin-like noise.

    smallest, largest: bounds of its radius; soft: the width of its edge, all in pixels.
    """
    radius = rng.uniform(smallest, largest)
    row, column = rng.uniform(0.15 * SIDE, 0.85 * SIDE, 2)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    stretch, tilt = rng.uniform(1, 1.6), rng.uniform(0, np.pi)
    along = (rows - row) * np.sin(tilt) + (columns - column) * np.cos(tilt)
    across = (columns - column) * np.sin(tilt) - (rows - row) * np.cos(tilt)
    distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2)
    return np.clip((radius * (1 + 0.45 * _noise(rng)) - distance) / soft, 0, 1)


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise on three lattices, each finer than the one before, (SIDE, SIDE), about -1 to 1."""
    total = np.zeros((SIDE, SIDE))
    for octave, lattice in enumerate((9, 17, 33)):
        points = Image.fromarray(rng.uniform(-1, 1, (lattice, lattice)).astype(np.float32))
        total += 0.6**octave * np.asarray(points.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)
    return total


def _mixed(levels: np.ndarray, other: np.ndarray | float, alpha: np.ndarray) -> np.ndarray:
    return levels * (1 - alpha) + other * alpha


def _stain(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A translucent grey spot, darker or brighter than the background."""
    levels = render(scene)
    # a stain needs more contrast on a background of more contrast
    shade = levels.mean() + rng.choice((-1, 1)) * rng.uniform(1.2, 2.8) * max(levels.std(), 20)
    return _mixed(levels, shade, rng.uniform(0.35, 0.75) * blob(14, 36, 8, rng))


def _scratch(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A thin, slightly bent line, dark or bright."""
    line = _line(0.0, rng.uniform(1.2, 2.6), rng)
    return render(scene) + rng.choice((-1, 1)) * rng.uniform(20, 60) * line


def _crack(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A thin, jagged, dark line."""
    return render(scene) * (1 - rng.uniform(0.15, 0.5) * _line(0.5, rng.uniform(1.0, 2.2), rng))


def _line(jags: float, width: float, rng: np.random.Generator) -> np.ndarray:
    """A random walk as a slightly bent line, (SIDE, SIDE) in [0, 1]; jags in radians, width in pixels."""
    fine = 4  # drawn larger and then reduced, because Pillow's lines have hard edges
    steps = int(rng.integers(8, 24))
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, steps)) + rng.normal(0, jags, steps)
    walk = 6 * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)
    points = walk - walk[steps // 2] + rng.uniform(0.2 * SIDE, 0.8 * SIDE, 2)
    canvas = Image.new("L", (SIDE * fine, SIDE * fine))
    ImageDraw.Draw(canvas).line((points * fine).ravel().tolist(), fill=255, width=round(width * fine), joint="curve")
    return np.asarray(canvas.reduce(fine), dtype=np.float64) / 255


def _blur(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot out of focus."""
    levels = render(scene)
    return _mixed(levels, ndimage.gaussian_filter(levels, rng.uniform(1.5, 4)), blob(20, 50, 4, rng))


def _faded(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot of reduced contrast."""
    levels = render(scene)
    faded = levels.mean() + rng.uniform(0.25, 0.6) * (levels - levels.mean())
    return _mixed(levels, faded, blob(22, 48, 4, rng))


def _shifted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot in which the pattern is shifted sideways, so that bricks do not meet."""
    levels = render(scene)
    other = np.roll(levels, rng.choice((-1, 1)) * rng.integers(8, 24), axis=1)
    return _mixed(levels, other, blob(18, 40, 2, rng))


def _coarse(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot of larger stones: the same gravel, enlarged."""
    closer = crop("gravel", scene.split, int(rng.integers(40, 80)), rng)
    return _mixed(render(scene), closer, blob(20, 44, 2, rng))


def _shard(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A piece of the brick wall at a random angle, about as bright as the stones below it."""
    levels, wall = render(scene), crop("brick", scene.split, int(rng.integers(60, 120)), rng)
    turned = np.asarray(Image.fromarray(grey(wall)).rotate(rng.uniform(0, 360), Image.Resampling.BICUBIC))
    piece = levels.mean() + 1.5 * (turned - wall.mean()) + rng.uniform(-20, 20)
    return _mixed(levels, piece, blob(16, 36, 2, rng))


def _grafted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A piece of another cell, rotated by 90 degrees, of about the same brightness."""
    levels = render(scene)
    donor = cell("poly", scene.split, rng).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    other = np.rot90(np.asarray(donor, dtype=np.float64), int(rng.choice((1, 3))))
    alpha = blob(14, 36, 2, rng)
    return _mixed(levels, other * (np.average(levels, weights=alpha) / np.average(other, weights=alpha)), alpha)


def _foreign_coin(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A coin between the stones, of about their contrast."""
    loose_coin = coin(int(rng.integers(len(COINS))))
    side = int(rng.integers(40, 70))
    levels = np.asarray(loose_coin.pixels.resize((side, side), Image.Resampling.LANCZOS), dtype=np.float64)
    worn = bundled_image("gravel").mean() + rng.uniform(0.8, 1.2) * (levels - levels.mean()) + rng.uniform(-20, 60)
    centre = (int(rng.integers(30, SIDE - 30)), int(rng.integers(30, SIDE - 30)))
    cutout = Cutout(
        Image.fromarray(grey(worn)),
        loose_coin.alpha.resize((side, side), Image.Resampling.BILINEAR),
        centre,
        rng.uniform(0, 360),
    )
    return render(replace(scene, cutouts=(*scene.cutouts, cutout)))


def _missing(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cutout is missing."""
    return _replaced(scene, int(rng.integers(len(scene.cutouts))))


def _moved(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cutout lies beside its place."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout = scene.cutouts[number]
    far = 10 if cutout.pixels.width < CELL_SIDE else 4
    return _replaced(scene, number, _shifted_cutout(cutout, rng.uniform(far, 2 * far), rng))


def _doubled(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A second copy lies on one cutout."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout = scene.cutouts[number]
    return _replaced(scene, number, cutout, _shifted_cutout(cutout, rng.uniform(12, 28), rng))


def _turned_coin(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One coin is rotated further than any normal coin."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout = scene.cutouts[number]
    return _replaced(scene, number, replace(cutout, angle=cutout.angle + rng.uniform(40, 320)))


def _turned_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is rotated by 90 degrees, as its busbars reveal."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout = scene.cutouts[number]
    return _replaced(scene, number, replace(cutout, angle=cutout.angle + rng.choice((90, 270))))


def _dim(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is darker than normal cells."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout, gain = scene.cutouts[number], rng.uniform(0.4, 0.75)
    return _replaced(scene, number, replace(cutout, pixels=cutout.pixels.point(lambda level: round(level * gain))))


def _cracked_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell has a crack, which ends at the cell's border."""
    number = int(rng.integers(len(scene.cutouts)))
    middle = slice((SIDE - CELL_SIDE) // 2, (SIDE + CELL_SIDE) // 2)
    line = _line(0.5, rng.uniform(1.0, 2.2), rng)[middle, middle]
    levels = np.asarray(scene.cutouts[number].pixels) * (1 - rng.uniform(0.15, 0.5) * line)
    return _replaced(scene, number, replace(scene.cutouts[number], pixels=Image.fromarray(grey(levels))))


def _foreign_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is polycrystalline, as bright as the cell that it replaces."""
    number = int(rng.integers(len(scene.cutouts)))
    cutout = scene.cutouts[number]
    pixels = module_cell(cell("poly", scene.split, rng), float(np.mean(np.asarray(cutout.pixels))))
    return _replaced(scene, number, replace(cutout, pixels=pixels))


def _replaced(scene: Scene, number: int, *instead: Cutout) -> np.ndarray:
    """The rendered scene with one cutout replaced by others, or by none; they lie on top of the rest."""
    others = scene.cutouts[:number] + scene.cutouts[number + 1 :]
    return render(replace(scene, cutouts=(*others, *instead)))


def _shifted_cutout(cutout: Cutout, distance: float, rng: np.random.Generator) -> Cutout:
    heading = rng.uniform(0, 2 * np.pi)
    row, column = cutout.centre
    centre = (row + round(distance * np.sin(heading)), column + round(distance * np.cos(heading)))
    return replace(cutout, centre=centre)


# category: its defect types, which are the names of its folders
DEFECTS: dict[str, dict[str, Defect]] = {
    "bricks": {"faded": _faded, "scratch": _scratch, "shifted": _shifted, "stain": _stain},
    "cell": {"crack": _crack, "grafted": _grafted, "stain": _stain},
    "coins": {"doubled": _doubled, "missing": _missing, "moved": _moved, "stain": _stain, "turned": _turned_coin},
    "gravel": {"blur": _blur, "coarse": _coarse, "coin": _foreign_coin, "shard": _shard},
    "module": {"crack": _cracked_cell, "dim": _dim, "foreign": _foreign_cell, "moved": _moved, "turned": _turned_cell},
}
