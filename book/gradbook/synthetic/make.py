"""A small industrial data set without a download: real images, synthetic defects, exact masks.

Every image has a random generator of its own, seeded by seed, category, split, defect and number, so that no image
depends on how many others there are.
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from gradbook.synthetic.defects import DEFECTS, changed_area
from gradbook.synthetic.scenes import SCENES, SIDE, grey, render
from gradlib.data.layout import read_category
from gradlib.data.samples import Dataset, Sample, choose_categories, sort_samples
from gradlib.errors import InputError
from gradlib.files import cache_folder

VERSION = 1  # must be raised whenever a pixel changes
DEFAULTS = {"seed": 0, "normals": 60, "good": 30, "per_defect": 20}
MARKER = ".gradlib-synthetic"  # written last; its presence means that the data set is complete
ATTEMPTS = 50  # to place a defect where it is visible (a stain may be as grey as its background)


@dataclass(frozen=True)
class SyntheticImage:
    """An image with and without its defect, both (SIDE, SIDE) uint8, equal outside the mask."""

    image: np.ndarray
    clean: np.ndarray
    mask: np.ndarray  # (SIDE, SIDE) bool, all False for a normal image


def draw_image(category: str, split: str, defect: str, number: int, *, seed: int = 0) -> SyntheticImage:
    """Image `number` of a category and defect type, which is "good" or one of DEFECTS[category].

    Raises InputError for an unknown category or defect type.
    """
    choose_categories([category], SCENES, "the synthetic data set")
    choose_categories([defect], {"good", *DEFECTS[category]}, f"the defect types of {category}")
    name = f"{seed}/{category}/{split}/{defect}/{number}"
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))
    for _ in range(ATTEMPTS):
        scene = SCENES[category](split, rng)
        levels = [render(scene)] if defect == "good" else [render(scene), DEFECTS[category][defect](scene, rng)]
        exposed = _exposed(levels, rng)
        clean, defective = exposed[0], exposed[-1]
        mask = changed_area(clean, defective)
        if defect == "good" or mask.any():
            return SyntheticImage(np.where(mask, defective, clean), clean, mask)
    raise RuntimeError(f"No visible defect in {ATTEMPTS} attempts at {name}: this type of defect is too weak.")


def make_synthetic(root: Path, *, seed: int = 0, normals: int = 60, good: int = 30, per_defect: int = 20) -> Path:
    """Write the data set to `<root>/<category>/{train/good, test/<defect>, ground_truth/<defect>}` and return root.

    Each category gets `normals` training images, `good` normal test images and `per_defect` test images of each defect
    type, all SIDE x SIDE RGB. The folder is written completely or not at all. Raises InputError for a folder that is
    not empty or cannot be written, and for too few images.
    """
    if normals < 1 or good < 0 or per_defect < 0:
        raise InputError(f"normals={normals}, good={good}, per_defect={per_defect}: give at least 1, 0 and 0 images.")
    root = Path(root).expanduser().resolve()
    with _locked(root):
        _check_empty(root)
        _write(root, seed, normals, good, per_defect)
    return root


def read_synthetic(root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """The synthetic data set, made on first use (about a minute) with make_synthetic's defaults.

    Categories bricks, cell, coins, gravel and module, each with exact masks. root: by default a folder in gradlib's
    cache; one that make_synthetic has filled is read as it is. Raises InputError for an unknown category, and for a
    folder that holds something else or cannot be written.
    """
    root = Path(root or cache_folder() / f"synthetic-{VERSION}").expanduser().resolve()
    names = choose_categories(categories, SCENES, "the synthetic data set")
    if not _is_complete(root):
        with _locked(root):
            if not _is_complete(root):  # another process may have written it in the meantime
                _check_empty(root)
                _write(root, **DEFAULTS)
    samples: list[Sample] = []
    for category in names:
        samples += read_category(root / category, category, masks_required=True)
    return Dataset("synthetic", root, sort_samples(samples))


def _exposed(scenes: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Grey levels, uint8, under the same uneven light and sensor noise for all scenes."""
    slope = np.linspace(-1, 1, SIDE)
    light = rng.uniform(0.88, 1.12) + rng.uniform(-0.07, 0.07) * slope + rng.uniform(-0.07, 0.07) * slope[:, None]
    noise = rng.normal(0, 1.5, (SIDE, SIDE))
    return [grey(levels * light + noise) for levels in scenes]


def _is_complete(root: Path) -> bool:
    """Whether root holds the complete data set of this version."""
    marker = root / MARKER
    return marker.is_file() and marker.read_text().strip() == str(VERSION)


def _check_empty(root: Path) -> None:
    """Raise InputError unless root is missing or an empty folder, so that nothing is overwritten."""
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        contents = "a synthetic data set" if (root / MARKER).is_file() else "something"
        raise InputError(f"The folder {root} already holds {contents}: move it away, or give another folder.")


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Keep other processes from writing the same folder; errors of the file system become InputErrors."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f".{root.name}.lock")):
            yield
    except OSError as error:
        raise InputError(
            f"The synthetic data set cannot be written to {root} ({error.strerror}): free some space, give another "
            "folder as root, or set GRAD_CACHE."
        ) from error


def _write(root: Path, seed: int, normals: int, good: int, per_defect: int) -> None:
    """Write everything to a neighbouring folder, then rename it to root."""
    staging = root.with_name(f".{root.name}.making")
    shutil.rmtree(staging, ignore_errors=True)  # from a run that was killed
    try:
        images = _images_to_draw(normals, good, per_defect)
        for category, split, defect, number in tqdm(images, desc="synthetic", unit=" images", disable=None):
            drawing = draw_image(category, split, defect, number, seed=seed)
            _save(drawing.image, staging / category / split / defect / f"{number:03d}.png", "RGB")
            if defect != "good":
                truth = staging / category / "ground_truth" / defect / f"{number:03d}_mask.png"
                _save(drawing.mask.astype(np.uint8) * 255, truth, "L")
        (staging / MARKER).write_text(f"{VERSION}\n")
        if root.exists():
            root.rmdir()  # empty; not every system can rename onto an empty folder
        staging.replace(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _images_to_draw(normals: int, good: int, per_defect: int) -> list[tuple[str, str, str, int]]:
    """Category, split, defect type and number of each image."""
    images = []
    for category, defects in DEFECTS.items():
        counts = {("train", "good"): normals, ("test", "good"): good}
        counts |= {("test", defect): per_defect for defect in defects}
        images += [(category, *group, number) for group, count in counts.items() for number in range(count)]
    return images


def _save(pixels: np.ndarray, path: Path, mode: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
