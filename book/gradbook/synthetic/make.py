"""A small industrial data set without a download: real photographs, made defects, and masks that are exact.

Every image is drawn from its own generator, named by seed, class, split, kind and number, so that none depends on how
many others there are.
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

from gradbook.synthetic.defects import KINDS, changed_area
from gradbook.synthetic.scenes import SCENES, SIDE, grey, render
from gradlib.data.layout import read_category
from gradlib.data.samples import Dataset, Sample, choose_categories, in_order
from gradlib.errors import InputError
from gradlib.files import cache_folder

VERSION = 1  # to be raised whenever any pixel changes
DEFAULTS = {"seed": 0, "normals": 60, "good": 30, "per_kind": 20}
MARKER = ".gradlib-synthetic"  # written last; its presence means that the data set is complete
ATTEMPTS = 50  # a defect that cannot be seen where it fell (a stain as grey as its ground) is drawn again


@dataclass(frozen=True)
class Drawn:
    """One made image beside what it would be without its defect; both (SIDE, SIDE) uint8, equal outside the mask."""

    image: np.ndarray
    clean: np.ndarray
    mask: np.ndarray  # (SIDE, SIDE) bool, nowhere True for kind "good"


def draw_image(category: str, split: str, kind: str, number: int, *, seed: int = 0) -> Drawn:
    """Image `number` of a kind ("good" or one of KINDS[category]); raises InputError for an unknown class or kind."""
    choose_categories([category], SCENES, "the synthetic data set")
    choose_categories([kind], {"good", *KINDS[category]}, f"the kinds of {category}")
    name = f"{seed}/{category}/{split}/{kind}/{number}"
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))
    for _ in range(ATTEMPTS):
        scene = SCENES[category](split, rng)
        levels = [render(scene)] if kind == "good" else [render(scene), KINDS[category][kind](scene, rng)]
        exposed = _exposed(levels, rng)
        clean, defective = exposed[0], exposed[-1]
        mask = changed_area(clean, defective)
        if kind == "good" or mask.any():
            return Drawn(np.where(mask, defective, clean), clean, mask)
    raise RuntimeError(f"No visible defect in {ATTEMPTS} attempts at {name}: its kind is too weak.")


def make_synthetic(root: Path, *, seed: int = 0, normals: int = 60, good: int = 30, per_kind: int = 20) -> Path:
    """Write the data set to `<root>/<class>/{train/good, test/<kind>, ground_truth/<kind>}` and return root.

    Each class gets `normals` training images, `good` normal test images and `per_kind` defective ones of each kind,
    all SIDE x SIDE RGB. It appears whole or not at all. Raises InputError for a folder that is not empty, one that
    cannot be written, and a number of images that makes no data set.
    """
    if normals < 1 or good < 0 or per_kind < 0:
        raise InputError(f"normals={normals}, good={good}, per_kind={per_kind}: give at least 1, 0 and 0 images.")
    root = Path(root).expanduser().resolve()
    with _alone(root):
        _refuse_contents(root)
        _build(root, seed, normals, good, per_kind)
    return root


def read_synthetic(root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """The synthetic data set, made on first use (about a minute) with make_synthetic's defaults.

    Categories bricks, cell, coins, gravel and module, each with exact masks. root: by default a folder in gradlib's
    cache; one that make_synthetic has filled is read as it is. Raises InputError for an unknown category, and for a
    folder that holds something else or cannot be written.
    """
    root = Path(root or cache_folder() / f"synthetic-{VERSION}").expanduser().resolve()
    names = choose_categories(categories, SCENES, "the synthetic data set")
    if not _is_whole(root):
        with _alone(root):
            if not _is_whole(root):  # another process may have made it meanwhile
                _refuse_contents(root)
                _build(root, **DEFAULTS)
    samples: list[Sample] = []
    for category in names:
        samples += read_category(root / category, category, masks_required=True)
    return Dataset("synthetic", root, in_order(samples))


def _exposed(scenes: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Levels as one camera sees them, uint8: uneven light and a sensor's noise, the same for all."""
    slope = np.linspace(-1, 1, SIDE)
    light = rng.uniform(0.88, 1.12) + rng.uniform(-0.07, 0.07) * slope + rng.uniform(-0.07, 0.07) * slope[:, None]
    noise = rng.normal(0, 1.5, (SIDE, SIDE))
    return [grey(levels * light + noise) for levels in scenes]


def _is_whole(root: Path) -> bool:
    """Whether root holds this version's whole data set."""
    marker = root / MARKER
    return marker.is_file() and marker.read_text().strip() == str(VERSION)


def _refuse_contents(root: Path) -> None:
    """Raises InputError unless root is missing or an empty folder: nothing of anyone's is overwritten."""
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        made = " (a synthetic data set)" if (root / MARKER).is_file() else ""
        raise InputError(f"{root} already holds something{made}: move it away, or give another folder.")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep other processes from making the same folder, and turn a disk's refusal into one sentence."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f".{root.name}.lock")):
            yield
    except OSError as error:
        raise InputError(
            f"The synthetic data set cannot be written to {root} ({error.strerror}): free some space, give another "
            "folder as root, or set GRAD_CACHE."
        ) from error


def _build(root: Path, seed: int, normals: int, good: int, per_kind: int) -> None:
    """Make everything in a neighbouring folder, then give it root's name."""
    staging = root.with_name(f".{root.name}.making")
    shutil.rmtree(staging, ignore_errors=True)  # from a run that was killed
    try:
        plan = _plan(normals, good, per_kind)
        for category, split, kind, number in tqdm(plan, desc="synthetic", unit=" images", disable=None):
            drawn = draw_image(category, split, kind, number, seed=seed)
            _save(drawn.image, staging / category / split / kind / f"{number:03d}.png", "RGB")
            if kind != "good":
                truth = staging / category / "ground_truth" / kind / f"{number:03d}_mask.png"
                _save(drawn.mask.astype(np.uint8) * 255, truth, "L")
        (staging / MARKER).write_text(f"{VERSION}\n")
        if root.exists():
            root.rmdir()  # empty, and not every system renames onto an empty folder
        staging.replace(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _plan(normals: int, good: int, per_kind: int) -> list[tuple[str, str, str, int]]:
    """Class, split, kind and number of each image."""
    plan = []
    for category, kinds in KINDS.items():
        counts = {("train", "good"): normals, ("test", "good"): good} | {("test", kind): per_kind for kind in kinds}
        plan += [(category, *which, number) for which, count in counts.items() for number in range(count)]
    return plan


def _save(pixels: np.ndarray, path: Path, mode: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
