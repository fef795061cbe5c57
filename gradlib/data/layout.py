"""MVTec AD's folder layout, shared by users' own photographs: train/good, test/<defect>, ground_truth/<defect>."""

import warnings
from pathlib import Path

from gradlib.data.samples import Sample
from gradlib.errors import InputError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
# formats that telephones and cameras write and Pillow alone cannot read
UNREAD_SUFFIXES = frozenset({".heic", ".heif", ".avif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf"})


def image_files(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The image files in a folder, sorted by path; empty if the folder is missing.

    recursive: those in all folders below it as well. Hidden files and folders are skipped: macOS leaves a ._name.png
    beside each name.png on foreign disks, which is no image.
    """
    if not folder.is_dir():
        return []
    files = (path for path in folder.glob("**/*" if recursive else "*") if path.suffix.lower() in IMAGE_SUFFIXES)
    visible = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted((path for path in visible if path.is_file()), key=Path.as_posix)


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in a folder, sorted by name, hidden ones left out; empty if it is missing."""
    if not folder.is_dir():
        return []
    folders = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return sorted(folders, key=lambda path: path.name)


def category_folders(root: Path, released: frozenset[str] = frozenset()) -> list[str]:
    """Names of the subfolders that are categories: laid out as one, empty (an unfinished copy), or in `released`."""
    parts = {"train", "test", "ground_truth"}
    return [
        folder.name
        for folder in subfolders(root)
        if folder.name in released or parts & {child.name for child in subfolders(folder)} or not any(folder.iterdir())
    ]


def read_category(folder: Path, category: str, *, masks_required: bool) -> list[Sample]:
    """All samples of one category's folder.

    Raises InputError if it is empty, has no normal training image, misses a required mask, or holds images that no
    reader would see.
    """
    if not any(path.is_file() for path in folder.rglob("*")):
        raise InputError(
            f"The category {category!r} is empty ({folder}): copy its images there or leave the category out."
        )
    _refuse_stray_images(folder)
    for place in (folder / "train" / "good", *subfolders(folder / "test")):
        _refuse_unread_images(place)
    normals = image_files(folder / "train" / "good")
    if not normals:
        raise InputError(
            f"The category {category!r} has no normal training images: put them in {folder / 'train' / 'good'}."
        )
    samples = [Sample(image, category, "train", 0, "good", None) for image in normals]
    for defect in subfolders(folder / "test"):
        samples += _test_samples(folder, category, defect.name, masks_required)
    missing = [sample.image for sample in samples if sample.label and sample.mask is None]
    if missing and (folder / "ground_truth").is_dir():
        warnings.warn(
            f"{len(missing)} anomalous image(s) of category {category!r} have no mask in {folder / 'ground_truth'} "
            f"(first: {missing[0]}): add <stem>_mask.png, or pixel metrics of this category are undefined.",
            stacklevel=3,
        )
    return samples


def _test_samples(folder: Path, category: str, defect: str, masks_required: bool) -> list[Sample]:
    """Samples of test/<defect>, each with its mask if there is one."""
    images = image_files(folder / "test" / defect)
    if defect == "good":
        return [Sample(image, category, "test", 0, "good", None) for image in images]
    truth = folder / "ground_truth" / defect
    # .PNG counts as .png on case-sensitive file systems as well
    masks = {path.stem: path for path in image_files(truth) if path.suffix.lower() == ".png"}
    samples = []
    for image in images:
        mask = masks.get(f"{image.stem}_mask", masks.get(image.stem))
        if mask is None and masks_required:
            raise InputError(
                f"The anomalous image {image} has no mask: put it at {truth / f'{image.stem}_mask.png'}, "
                f'or read the folder as data set "folder", where masks are optional.'
            )
        samples.append(Sample(image, category, "test", 1, defect, mask))
    return samples


def _refuse_unread_images(folder: Path) -> None:
    """Raise InputError for images in an unsupported format, which would otherwise be left out silently."""
    files = folder.iterdir() if folder.is_dir() else ()
    unread = [path for path in files if path.suffix.lower() in UNREAD_SUFFIXES and not path.name.startswith(".")]
    if unread:
        first, others = min(unread), len(unread) - 1
        raise InputError(
            f"The photograph {first} has the format {first.suffix}, which is not read"
            + (f", and so have {others} more in its folder" if others else "")
            + ": save as .png or .jpg."
        )


def _refuse_stray_images(folder: Path) -> None:
    """Raise InputError for images outside the layout; warn about other folders under train/, which are left out."""
    for part, remedy in (("train", "train/good"), ("test", "test/good or test/<defect type>")):
        stray = image_files(folder / part)
        if stray:
            raise InputError(f"The image {stray[0]} lies directly in {part}/: move such images to {remedy}.")
    others = [child.name for child in subfolders(folder / "train") if child.name != "good" and image_files(child)]
    if others:
        warnings.warn(
            f"{folder / 'train'} also holds {', '.join(others)}, which is left out: only train/good is trained on; "
            "move anomalous images to test/.",
            stacklevel=4,
        )
