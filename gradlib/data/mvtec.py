"""MVTec AD (Bergmann et al., CVPR 2019): 15 categories, read from its own folder layout."""

from collections.abc import Sequence
from pathlib import Path

from gradlib.data.layout import category_folders, read_category
from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, sort_samples, warn_of_counts
from gradlib.errors import InputError

# category: (training images, test images, masks); in all 3629, 1725 and 1258
RELEASED_COUNTS = {
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


def read_mvtec(root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """MVTec AD from `<root>/<category>/{train/good, test/<defect>, ground_truth/<defect>/<stem>_mask.png}`.

    categories: None means every category under root. Warns if a released category does not have the released numbers of
    images. Raises InputError for a missing folder, category, training image or mask.
    """
    folder = existing_folder(root, "mvtec", "MVTec AD (the one that holds bottle/, cable/, ...)")
    if (folder / "train").is_dir():
        raise InputError(f'{folder} is itself one category: give its parent as root, or use data set "folder".')
    names = category_folders(folder, frozenset(RELEASED_COUNTS))
    if not names:
        raise InputError(f"No category of MVTec AD is in {folder}: it should hold folders such as bottle/train/good.")
    samples: list[Sample] = []
    for category in choose_categories(categories, names, str(folder)):
        of_category = read_category(folder / category, category, masks_required=True)
        if category in RELEASED_COUNTS:
            train = sum(sample.split == "train" for sample in of_category)
            masks = sum(sample.mask is not None for sample in of_category)
            counts = {"training images": train, "test images": len(of_category) - train, "masks": masks}
            warn_of_counts("MVTec AD", category, folder, counts, RELEASED_COUNTS[category])
        samples += of_category
    return Dataset("mvtec", folder, sort_samples(samples))
