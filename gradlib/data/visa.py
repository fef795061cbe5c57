"""VisA (Zou et al., ECCV 2022): 12 classes, read by its own one-class split file."""

import csv
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, in_order
from gradlib.errors import InputError

SPLIT_FILE = "split_csv/1cls.csv"
COLUMNS = ("object", "split", "label", "image", "mask")
LABELS = {"normal": 0, "anomaly": 1}

# class: (training images, normal test images, anomalous test images); in all 8659, 962 and 1200
OFFICIAL_COUNTS = {
    "candle": (900, 100, 100),
    "capsules": (542, 60, 100),
    "cashew": (450, 50, 100),
    "chewinggum": (453, 50, 100),
    "fryum": (450, 50, 100),
    "macaroni1": (900, 100, 100),
    "macaroni2": (900, 100, 100),
    "pcb1": (904, 100, 100),
    "pcb2": (901, 100, 100),
    "pcb3": (905, 101, 100),
    "pcb4": (904, 101, 100),
    "pipe_fryum": (450, 50, 100),
}


def read_visa(root: Path | str, categories: Sequence[str] | None = None) -> Dataset:
    """VisA from `<root>/split_csv/1cls.csv`, whose paths are relative to root; the defect kind is always "anomaly".

    Warns where an official class has other counts than the official file. Raises InputError for a missing folder,
    split file, class, image, mask or training image, and for a row that does not make sense.
    """
    folder = existing_folder(root, "VisA (the one that holds split_csv/)")
    rows = _read_rows(folder / SPLIT_FILE)
    wanted = choose_categories(categories, (row["object"] for row in rows), str(folder / SPLIT_FILE))
    samples = [_sample(row, folder) for row in rows if row["object"] in wanted]
    for category in wanted:
        _check_counts(category, samples, folder)
    return Dataset("visa", folder, in_order(samples))


def _read_rows(split_file: Path) -> list[dict[str, str]]:
    """The rows of the split file."""
    if not split_file.is_file():
        raise InputError(f"VisA's split file {split_file} does not exist: give the folder that VisA was unpacked to.")
    with split_file.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if not rows or not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise InputError(
            f"{split_file} should have rows with the columns {','.join(COLUMNS)}: restore VisA's own file."
        )
    for row in rows:
        if None in row.values():  # what csv gives for the fields that a row lacks
            found = ",".join(value for value in row.values() if value)
            raise InputError(f"{split_file} has a row that ends too early, {found!r}: restore VisA's own file.")
    return rows


def _sample(row: dict[str, str], folder: Path) -> Sample:
    """One row as a sample, its files looked for."""
    if row["split"] not in ("train", "test") or row["label"] not in LABELS:
        raise InputError(
            f"{folder / SPLIT_FILE} gives {row['image']} the split {row['split']!r} and label {row['label']!r}: "
            "they should be train or test, and normal or anomaly."
        )
    label, image = LABELS[row["label"]], folder / row["image"]
    mask = folder / row["mask"] if row["mask"] else None
    if label and mask is None:
        raise InputError(
            f"{folder / SPLIT_FILE} gives the anomalous image {row['image']} no mask: restore VisA's file."
        )
    for path in (image, mask):
        if path is not None and not path.is_file():
            raise InputError(
                f"VisA's file {path} does not exist: unpack the archive again or leave out {row['object']!r}."
            )
    return Sample(image, row["object"], row["split"], label, "anomaly" if label else "good", mask)


def _check_counts(category: str, samples: list[Sample], folder: Path) -> None:
    """Refuse a class without normal training images; warn of a partial (or enlarged) one."""
    counts = Counter((sample.split, sample.label) for sample in samples if sample.category == category)
    found = (counts["train", 0], counts["test", 0], counts["test", 1])
    if not found[0]:
        raise InputError(f"The class {category!r} has no normal training images in {folder / SPLIT_FILE}: add them.")
    official = OFFICIAL_COUNTS.get(category)
    if official is not None and found != official:
        warnings.warn(
            f"VisA's class {category!r} in {folder} has {found[0]} training, {found[1]} normal test and {found[2]} "
            f"anomalous test images where the official split has {official[0]}, {official[1]} and {official[2]}: "
            "unpack it again, or do not compare its results with published ones.",
            stacklevel=3,
        )
