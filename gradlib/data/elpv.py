"""ELPV solar cells (Buerhop-Lutz et al. 2018): 2,624 electroluminescence images that come as a package."""

import hashlib
import importlib.util
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, sort_samples, warn_of_counts
from gradlib.errors import InputError

TRAIN_SHARE = Fraction(4, 5)  # of the normal cells of each category
# category: cells of defect probability 0, 1/3, 2/3 and 1; in all 2,624
RELEASED_COUNTS = {"mono": (588, 117, 56, 313), "poly": (920, 178, 50, 402)}


def read_elpv(
    root: Path | str | None = None, categories: Sequence[str] | None = None, *, uncertain: bool = False
) -> Dataset:
    """ELPV: categories mono and poly; defect probability 0 is normal, 1 is anomalous, no masks.

    Train: the 80 % of each category's normal cells whose file names have the smallest sha256 (mono 470, poly 736);
    test: the other normal cells (118, 184) and all anomalous ones (313, 402). The 401 cells in between (1/3 and 2/3)
    are left out, or with `uncertain` become the split "validation", labelled as they lean (1/3 normal, 2/3 anomalous).
    root: the folder of labels.csv, by default that of the installed package. Raises InputError for a missing package,
    folder, label file or image, an unreadable line of labels, and a category that is unknown or has no normal cell.
    """
    folder = existing_folder(root, "elpv", "ELPV (the one that holds labels.csv)") if root else _package_folder()
    thirds = _read_labels(folder / "labels.csv")
    samples: list[Sample] = []
    for category in choose_categories(categories, {category for category, _ in thirds.values()}, str(folder)):
        of_category = {path: third for path, (name, third) in thirds.items() if name == category}
        number = Counter(of_category.values())
        counts = {f"cells of probability {third}/3": number[third] for third in range(4)}
        warn_of_counts("ELPV", category, folder, counts, RELEASED_COUNTS.get(category, ()))
        # a fixed, arbitrary order that depends on no random state and no library version
        normals = sorted(
            (path for path, third in of_category.items() if third == 0),
            key=lambda path: hashlib.sha256(Path(path).name.encode()).hexdigest(),
        )
        train = set(normals[: int(TRAIN_SHARE * len(normals))])
        if not train:
            raise InputError(
                f"The category {category!r} has no normal training images in {folder / 'labels.csv'}: add them."
            )
        samples += [
            _sample(folder / path, category, third, path in train)
            for path, third in of_category.items()
            if uncertain or third in (0, 3)
        ]
    return Dataset("elpv", folder, sort_samples(samples))


def _package_folder() -> Path:
    """The images' folder in the package elpv-dataset, located without importing it."""
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        raise InputError("The package elpv-dataset is not installed: run `pip install elpv-dataset`.")
    return Path(spec.origin).parent / "data"


def _read_labels(labels: Path) -> dict[str, tuple[str, int]]:
    """Relative path -> (category, defect probability in thirds, 0 to 3); columns are separated by blanks."""
    if not labels.is_file():
        raise InputError(f"ELPV's {labels} does not exist: run `pip install --force-reinstall elpv-dataset`.")
    table = {}
    for number, line in enumerate(labels.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            path, probability, category = line.split()
            third = round(3 * float(probability))
        except ValueError as error:
            raise InputError(f"Line {number} of {labels} is not `path probability type`: restore the file.") from error
        if not (labels.parent / path).is_file():
            raise InputError(f"ELPV's image {labels.parent / path} does not exist: reinstall elpv-dataset.")
        table[path] = (category, third)
    return table


def _sample(image: Path, category: str, third: int, train: bool) -> Sample:
    """One cell; `third` is its defect probability in thirds."""
    label = int(third >= 2)
    split = "validation" if third in (1, 2) else "train" if train else "test"
    return Sample(image, category, split, label, "defective" if label else "good", None)
