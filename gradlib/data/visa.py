"""VisA (Zou et al., ECCV 2022): 12 categories, read by its own one-class split file."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gradlib.data.samples import Dataset, Sample, choose_categories, existing_folder, sort_samples, warn_of_counts
from gradlib.errors import InputError

SPLIT_FILE = "split_csv/1cls.csv"
COLUMNS = ("object", "split", "label", "image", "mask")
LABELS = {"normal": 0, "anomaly": 1}

# category: (training images, normal test images, anomalous test images); in all 8659, 962 and 1200
RELEASED_COUNTS = {
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


def read_visa(root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """VisA from `<root>/split_csv/1cls.csv`, whose paths are relative to root; the defect type is always "anomaly".

    Warns if a released category does not have the released numbers of images. Raises InputError for a missing folder,
    split file, category, image, mask or training image, and for an invalid row.
    """
    folder = existing_folder(root, "visa", "VisA (the one that holds split_csv/)")
    rows = _read_rows(folder / SPLIT_FILE)
    names = choose_categories(categories, (row["object"] for row in rows), str(folder / SPLIT_FILE))
    samples = [_sample(row, folder) for row in rows if row["object"] in names]
    for category in names:
        number = Counter((sample.split, sample.label) for sample in samples if sample.category == category)
        train, normal, anomalous = number["train", 0], number["test", 0], number["test", 1]
        if not train:
            raise InputError(
                f"The category {category!r} has no normal training images in {folder / SPLIT_FILE}: add them."
            )
        if category in RELEASED_COUNTS:
            counts = {"training": train, "normal test": normal, "anomalous test images": anomalous}
            warn_of_counts("VisA", category, folder, counts, RELEASED_COUNTS[category])
    return Dataset("visa", folder, sort_samples(samples))


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
            values = ",".join(value for value in row.values() if value)
            raise InputError(f"{split_file} has a row that ends too early, {values!r}: restore VisA's own file.")
    return rows


def _sample(row: dict[str, str], folder: Path) -> Sample:
    """One row as a sample; raises InputError if it is invalid or one of its files is missing."""
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
