"""A user's own photographs: train/good is all that is needed, test/ and masks are optional."""

from collections.abc import Sequence
from pathlib import Path

from gradlib.data.layout import class_folders, image_files, read_class
from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, in_order
from gradlib.errors import InputError


def read_folder(root: Path | str, categories: Sequence[str] | None = None) -> Dataset:
    """Photographs in `<root>/train/good` (one class, named after root) or `<root>/<class>/train/good` (several).

    `test/good` holds normal images, any other folder under test/ is a kind of defect; masks may lie at
    `ground_truth/<defect>/<stem>_mask.png` or `<stem>.png` (True where > 0), else `mask` is None and pixel metrics
    are undefined. Without test/good a run holds out some of the normals (`hold_out`). Images: png, jpg,
    jpeg, bmp, tif, tiff or webp, in any letter case. Raises InputError for a missing folder, an unknown or empty class,
    one without normal training images, and photographs where none are looked for or in a format that is not read.
    """
    folder = existing_folder(root, "your photographs (the one that holds train/good)")
    if (folder / "train").is_dir() or (folder / "test").is_dir():
        places = {folder.name: folder}
    else:
        places = {name: folder / name for name in class_folders(folder)}
    if not places:
        stray = image_files(folder) or image_files(folder / "good")
        if stray:
            raise InputError(
                f"The image {stray[0]} lies where none is looked for: move normal photographs to "
                f"{folder / 'train' / 'good'}."
            )
        raise InputError(f"No photographs are in {folder}: put normal ones in {folder / 'train' / 'good'}.")
    samples: list[Sample] = []
    for category in choose_categories(categories, places, str(folder)):
        samples += read_class(places[category], category, masks_required=False)
    return Dataset("folder", folder, in_order(samples))
