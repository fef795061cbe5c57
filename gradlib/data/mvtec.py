"""MVTec AD (Bergmann et al., CVPR 2019): 15 classes, read from its own folder layout."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from gradlib.data.layout import class_folders, read_class
from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, in_order
from gradlib.errors import InputError

# class: (training images, test images, masks); in all 3629, 1725 and 1258
OFFICIAL_COUNTS = {
    "bottle": (209, 83, 63),
    "cable": (224, 150, 92),
    "capsule": (219, 132, 109),
    "carpet": (280, 117, 89),
    "grid": (264, 78, 57),
    "hazelnut": (391, 110, 70),
    "leather": (245, 124, 92),
    "metal_nut": (220, 115, 93),
    "pill": (267, 167, 141),
    "screw": (320, 160, 119),
    "tile": (230, 117, 84),
    "toothbrush": (60, 42, 30),
    "transistor": (213, 100, 40),
    "wood": (247, 79, 60),
    "zipper": (240, 151, 119),
}


def read_mvtec(root: Path | str, categories: Sequence[str] | None = None) -> Dataset:
    """MVTec AD from `<root>/<class>/{train/good, test/<defect>, ground_truth/<defect>/<stem>_mask.png}`.

    `categories` None means every class found under root. Warns where an official class has other counts than the
    official copy. Raises InputError for a missing folder, class, training image or mask.
    """
    folder = existing_folder(root, "MVTec AD (the one that holds bottle/, cable/, ...)")
    if (folder / "train").is_dir():
        raise InputError(f'{folder} is itself one class: give its parent as root, or use dataset "folder".')
    found = class_folders(folder, frozenset(OFFICIAL_COUNTS))
    if not found:
        raise InputError(f"No class of MVTec AD is in {folder}: it should hold folders such as bottle/train/good.")
    samples: list[Sample] = []
    for category in choose_categories(categories, found, str(folder)):
        of_class = read_class(folder / category, category, masks_required=True)
        _check_counts(category, of_class, folder)
        samples += of_class
    return Dataset("mvtec", folder, in_order(samples))


def _check_counts(category: str, samples: list[Sample], folder: Path) -> None:
    """Warn of a partial (or enlarged) copy: usable, but its results are not comparable."""
    official = OFFICIAL_COUNTS.get(category)
    train = sum(sample.split == "train" for sample in samples)
    found = (train, len(samples) - train, sum(sample.mask is not None for sample in samples))
    if official is not None and found != official:
        warnings.warn(
            f"MVTec AD's class {category!r} in {folder} has {found[0]} training images, {found[1]} test images and "
            f"{found[2]} masks where the official copy has {official[0]}, {official[1]} and {official[2]}: "
            "copy it again, or do not compare its results with published ones.",
            stacklevel=3,
        )
