"""MVTec AD's folder layout, shared by users' own photographs: train/good, test/<defect>, ground_truth/<defect>."""

import warnings
from pathlib import Path

from gradlib.data.samples import Sample
from gradlib.errors import InputError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
# photographs too, as telephones and cameras write them, but Pillow alone does not read them
UNREAD_SUFFIXES = frozenset({".heic", ".heif", ".avif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf"})


def image_files(folder: Path) -> list[Path]:
    """The images directly in a folder, by name; none if the folder is missing (hidden files are no images)."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    return sorted((path for path in found if not path.name.startswith(".")), key=lambda path: path.name)


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in a folder, by name; none if it is missing (hidden ones left out)."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return sorted(found, key=lambda path: path.name)


def class_folders(root: Path, official: frozenset[str] = frozenset()) -> list[str]:
    """Names of the subfolders that mean a class: laid out as one, empty (an unfinished copy), or officially named."""
    parts = {"train", "test", "ground_truth"}
    return [
        folder.name
        for folder in subfolders(root)
        if folder.name in official or parts & {child.name for child in subfolders(folder)} or not any(folder.iterdir())
    ]


def read_class(folder: Path, category: str, *, masks_required: bool) -> list[Sample]:
    """All samples of one class folder; raises InputError for an empty class, one without normals, or a missing mask."""
    if not any(path.is_file() for path in folder.rglob("*")):
        raise InputError(f"The class {category!r} is empty ({folder}): copy its images there or leave the class out.")
    _refuse_stray_images(folder)
    for place in (folder / "train" / "good", *subfolders(folder / "test")):
        _refuse_unread_images(place)
    normals = image_files(folder / "train" / "good")
    if not normals:
        raise InputError(
            f"The class {category!r} has no normal training images: put them in {folder / 'train' / 'good'}."
        )
    samples = [Sample(image, category, "train", 0, "good", None) for image in normals]
    for kind in subfolders(folder / "test"):
        samples += _test_samples(folder, category, kind.name, masks_required)
    missing = [sample.image for sample in samples if sample.label and sample.mask is None]
    if missing and (folder / "ground_truth").is_dir():
        warnings.warn(
            f"{len(missing)} defective image(s) of class {category!r} have no mask in {folder / 'ground_truth'} "
            f"(first: {missing[0]}): add <stem>_mask.png, or pixel metrics of this class are undefined.",
            stacklevel=3,
        )
    return samples


def _test_samples(folder: Path, category: str, defect: str, masks_required: bool) -> list[Sample]:
    """Samples of test/<defect>, each with its mask if there is one."""
    images = image_files(folder / "test" / defect)
    if defect == "good":
        return [Sample(image, category, "test", 0, "good", None) for image in images]
    truth = folder / "ground_truth" / defect
    # .PNG counts as .png also where the file system tells them apart
    masks = {path.stem: path for path in image_files(truth) if path.suffix.lower() == ".png"}
    samples = []
    for image in images:
        mask = masks.get(f"{image.stem}_mask", masks.get(image.stem))
        if mask is None and masks_required:
            raise InputError(
                f"The defective image {image} has no mask: put it at {truth / f'{image.stem}_mask.png'}, "
                f'or read the folder as dataset "folder", where masks are optional.'
            )
        samples.append(Sample(image, category, "test", 1, defect, mask))
    return samples


def _refuse_unread_images(folder: Path) -> None:
    """Photographs in a format that is not read would be left out in silence."""
    found = folder.iterdir() if folder.is_dir() else ()
    # hidden files are no photographs: macOS writes ._photo.heic beside photo.heic on foreign disks, and leaves it there
    unread = [path for path in found if path.suffix.lower() in UNREAD_SUFFIXES and not path.name.startswith(".")]
    if unread:
        first, others = min(unread), len(unread) - 1
        raise InputError(
            f"The photograph {first} has the format {first.suffix}, which is not read"
            + (f", and so have {others} more in its folder" if others else "")
            + ": save as .png or .jpg."
        )


def _refuse_stray_images(folder: Path) -> None:
    """Images where no reader looks would be left out in silence: refuse them, or warn where leaving out is right."""
    for part, remedy in (("train", "train/good"), ("test", "test/good or test/<kind of defect>")):
        stray = image_files(folder / part)
        if stray:
            raise InputError(f"The image {stray[0]} lies directly in {part}/: move such images to {remedy}.")
    others = [child.name for child in subfolders(folder / "train") if child.name != "good" and image_files(child)]
    if others:
        warnings.warn(
            f"{folder / 'train'} also holds {', '.join(others)}, which is left out: only train/good is trained on; "
            "move defective images to test/.",
            stacklevel=4,
        )
