"""The user's own photographs: only train/good is required, test/ and masks are optional."""

from collections.abc import Sequence
from pathlib import Path

from gradlib.data.layout import category_folders, image_files, read_category
from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, sort_samples
from gradlib.errors import InputError


def read_folder(root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """Photographs in `<root>/train/good` (one category, named after root) or `<root>/<category>/train/good` (several).

    `test/good` holds normal images, any other folder under test/ is a defect type; masks may lie at
    `ground_truth/<defect>/<stem>_mask.png` or `<stem>.png` (True where > 0), else `mask` is None and pixel metrics
    are undefined. Without test/good, `hold_out` can move some of the training images there. Images: png, jpg, jpeg,
    bmp, tif, tiff or webp, in any letter case. Raises InputError for a missing folder, an unknown or empty category,
    one without normal training images, and photographs in a place or format that is not read.
    """
    folder = existing_folder(root, "folder", "your photographs (the one that holds train/good)")
    if (folder / "train").is_dir() or (folder / "test").is_dir():
        folders = {folder.name: folder}
    else:
        folders = {name: folder / name for name in category_folders(folder)}
    if not folders:
        stray = image_files(folder) or image_files(folder / "good")
        if stray:
            raise InputError(
                f"The image {stray[0]} lies in a folder that is not read: move normal photographs to "
                f"{folder / 'train' / 'good'}."
            )
        raise InputError(f"No photographs are in {folder}: put normal ones in {folder / 'train' / 'good'}.")
    samples: list[Sample] = []
    for category in choose_categories(categories, folders, str(folder)):
        samples += read_category(folders[category], category, masks_required=False)
    return Dataset("folder", folder, sort_samples(samples))
