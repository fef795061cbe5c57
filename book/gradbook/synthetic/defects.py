"""Defects of the synthetic classes: each takes a scene and gives the grey levels of its defective version.

Surface defects change rendered levels, structural ones move, turn, add, swap or remove a part before it is rendered.
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
    Part,
    Scene,
    cell,
    coin,
    crop,
    grey,
    module_cell,
    photograph,
    render,
)

VISIBLE = 3  # grey levels; a smaller change is taken back, so that the mask is of what can be seen
CLOSED = 5  # pixels of half a gap that the mask bridges: inside a changed area some pixels stay the same by chance
SMALLEST = 16  # pixels of a region, as AUPRO counts a speck as much as a hole
LEAST = 60  # pixels of a defect

Kind = Callable[[Scene, np.random.Generator], np.ndarray]


def changed_area(clean: np.ndarray, defective: np.ndarray) -> np.ndarray:
    """The mask of a defect, (SIDE, SIDE) bool: where two uint8 images visibly differ, without pinholes and specks.

    All False where what is left is smaller than LEAST.
    """
    visible = np.abs(clean.astype(int) - defective) > VISIBLE
    reach = np.arange(-CLOSED, CLOSED + 1)
    disc = reach[:, None] ** 2 + reach**2 <= CLOSED**2
    padded = np.pad(visible, CLOSED + 1)  # else the closing would eat into areas at the border
    closed = ndimage.binary_closing(padded, disc)[CLOSED + 1 : -CLOSED - 1, CLOSED + 1 : -CLOSED - 1]
    regions, _ = ndimage.label(ndimage.binary_fill_holes(closed), np.ones((3, 3)))
    large = np.bincount(regions.ravel()) >= SMALLEST
    large[0] = False  # the background
    mask = large[regions]
    return mask & (mask.sum() >= LEAST)


def blob(smallest: float, largest: float, soft: float, rng: np.random.Generator) -> np.ndarray:
    """A random ragged spot, (SIDE, SIDE) in [0, 1]: Perlin-like noise on a cone; `soft` pixels wide at its edge."""
    radius = rng.uniform(smallest, largest)
    row, column = rng.uniform(0.15 * SIDE, 0.85 * SIDE, 2)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    stretch, tilt = rng.uniform(1, 1.6), rng.uniform(0, np.pi)
    along = (rows - row) * np.sin(tilt) + (columns - column) * np.cos(tilt)
    across = (columns - column) * np.sin(tilt) - (rows - row) * np.cos(tilt)
    distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2)
    return np.clip((radius * (1 + 0.45 * _noise(rng)) - distance) / soft, 0, 1)


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise on ever finer lattices, (SIDE, SIDE), about -1 to 1."""
    total = np.zeros((SIDE, SIDE))
    for octave, lattice in enumerate((9, 17, 33)):
        points = Image.fromarray(rng.uniform(-1, 1, (lattice, lattice)).astype(np.float32))
        total += 0.6**octave * np.asarray(points.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)
    return total


def _mixed(levels: np.ndarray, other: np.ndarray | float, alpha: np.ndarray) -> np.ndarray:
    return levels * (1 - alpha) + other * alpha


def _stain(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A translucent grey spot, darker or brighter than what it covers."""
    levels = render(scene)
    # the more contrast the ground has, the more a stain needs
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
    """A random walk's trace, (SIDE, SIDE) in [0, 1]: slightly bent, with `jags` in radians, `width` pixels wide."""
    fine = 4  # drawn larger and reduced, as Pillow's lines have hard edges
    steps = int(rng.integers(8, 24))
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, steps)) + rng.normal(0, jags, steps)
    walk = 6 * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)
    places = walk - walk[steps // 2] + rng.uniform(0.2 * SIDE, 0.8 * SIDE, 2)
    canvas = Image.new("L", (SIDE * fine, SIDE * fine))
    ImageDraw.Draw(canvas).line((places * fine).ravel().tolist(), fill=255, width=round(width * fine), joint="curve")
    return np.asarray(canvas.reduce(fine), dtype=np.float64) / 255


def _blur(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot out of focus."""
    levels = render(scene)
    return _mixed(levels, ndimage.gaussian_filter(levels, rng.uniform(1.5, 4)), blob(20, 50, 4, rng))


def _faded(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot of less contrast."""
    levels = render(scene)
    faded = levels.mean() + rng.uniform(0.25, 0.6) * (levels - levels.mean())
    return _mixed(levels, faded, blob(22, 48, 4, rng))


def _shifted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot in which the pattern is moved sideways: bricks that do not meet."""
    levels = render(scene)
    other = np.roll(levels, rng.choice((-1, 1)) * rng.integers(8, 24), axis=1)
    return _mixed(levels, other, blob(18, 40, 2, rng))


def _coarse(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A spot of larger stones, from the same gravel seen closer."""
    closer = crop("gravel", scene.split, int(rng.integers(40, 80)), rng)
    return _mixed(render(scene), closer, blob(20, 44, 2, rng))


def _shard(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A piece of the brick wall, turned anyhow, about as bright as the stones that it hides."""
    levels, wall = render(scene), crop("brick", scene.split, int(rng.integers(60, 120)), rng)
    turned = np.asarray(Image.fromarray(grey(wall)).rotate(rng.uniform(0, 360), Image.Resampling.BICUBIC))
    piece = levels.mean() + 1.5 * (turned - wall.mean()) + rng.uniform(-20, 20)
    return _mixed(levels, piece, blob(16, 36, 2, rng))


def _grafted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A piece of another cell, turned by a right angle and brought to about the same brightness."""
    levels = render(scene)
    photo = cell("poly", scene.split, rng).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    other = np.rot90(np.asarray(photo, dtype=np.float64), int(rng.choice((1, 3))))
    alpha = blob(14, 36, 2, rng)
    return _mixed(levels, other * (np.average(levels, weights=alpha) / np.average(other, weights=alpha)), alpha)


def _foreign_coin(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A coin between the stones, with about their contrast."""
    lost = coin(int(rng.integers(len(COINS))))
    side = int(rng.integers(40, 70))
    levels = np.asarray(lost.pixels.resize((side, side), Image.Resampling.LANCZOS), dtype=np.float64)
    worn = photograph("gravel").mean() + rng.uniform(0.8, 1.2) * (levels - levels.mean()) + rng.uniform(-20, 60)
    centre = (int(rng.integers(30, SIDE - 30)), int(rng.integers(30, SIDE - 30)))
    part = Part(
        Image.fromarray(grey(worn)),
        lost.alpha.resize((side, side), Image.Resampling.BILINEAR),
        centre,
        rng.uniform(0, 360),
    )
    return render(replace(scene, parts=(*scene.parts, part)))


def _missing(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One part is not there."""
    return _with_part(scene, int(rng.integers(len(scene.parts))))


def _moved(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One part lies beside its place."""
    number = int(rng.integers(len(scene.parts)))
    part = scene.parts[number]
    far = 10 if part.pixels.width < CELL_SIDE else 4
    return _with_part(scene, number, _shifted_part(part, rng.uniform(far, 2 * far), rng))


def _doubled(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A second copy lies on one part."""
    number = int(rng.integers(len(scene.parts)))
    part = scene.parts[number]
    return _with_part(scene, number, part, _shifted_part(part, rng.uniform(12, 28), rng))


def _turned_coin(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One coin is turned, further than any normal one."""
    number = int(rng.integers(len(scene.parts)))
    part = scene.parts[number]
    return _with_part(scene, number, replace(part, angle=part.angle + rng.uniform(40, 320)))


def _turned_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is turned by a right angle, which its busbars give away."""
    number = int(rng.integers(len(scene.parts)))
    part = scene.parts[number]
    return _with_part(scene, number, replace(part, angle=part.angle + rng.choice((90, 270))))


def _dim(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell shines less than normal ones do."""
    number = int(rng.integers(len(scene.parts)))
    part, gain = scene.parts[number], rng.uniform(0.4, 0.75)
    return _with_part(scene, number, replace(part, pixels=part.pixels.point(lambda level: round(level * gain))))


def _cracked_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is cracked; the crack ends with the cell."""
    number = int(rng.integers(len(scene.parts)))
    middle = slice((SIDE - CELL_SIDE) // 2, (SIDE + CELL_SIDE) // 2)
    line = _line(0.5, rng.uniform(1.0, 2.2), rng)[middle, middle]
    levels = np.asarray(scene.parts[number].pixels) * (1 - rng.uniform(0.15, 0.5) * line)
    return _with_part(scene, number, replace(scene.parts[number], pixels=Image.fromarray(grey(levels))))


def _foreign_cell(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """One cell is polycrystalline, exposed like the one whose place it takes."""
    number = int(rng.integers(len(scene.parts)))
    part = scene.parts[number]
    pixels = module_cell(cell("poly", scene.split, rng), float(np.mean(np.asarray(part.pixels))))
    return _with_part(scene, number, replace(part, pixels=pixels))


def _with_part(scene: Scene, number: int, *instead: Part) -> np.ndarray:
    """The scene with other parts, or none, in the place of one; they lie on top of the rest."""
    others = scene.parts[:number] + scene.parts[number + 1 :]
    return render(replace(scene, parts=(*others, *instead)))


def _shifted_part(part: Part, distance: float, rng: np.random.Generator) -> Part:
    heading = rng.uniform(0, 2 * np.pi)
    row, column = part.centre
    centre = (row + round(distance * np.sin(heading)), column + round(distance * np.cos(heading)))
    return replace(part, centre=centre)


# class: the kinds of its defects, which are the names of its folders
KINDS: dict[str, dict[str, Kind]] = {
    "bricks": {"faded": _faded, "scratch": _scratch, "shifted": _shifted, "stain": _stain},
    "cell": {"crack": _crack, "grafted": _grafted, "stain": _stain},
    "coins": {"doubled": _doubled, "missing": _missing, "moved": _moved, "stain": _stain, "turned": _turned_coin},
    "gravel": {"blur": _blur, "coarse": _coarse, "coin": _foreign_coin, "shard": _shard},
    "module": {"crack": _cracked_cell, "dim": _dim, "foreign": _foreign_cell, "moved": _moved, "turned": _turned_cell},
}
