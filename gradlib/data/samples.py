"""One sample, one data set, and what all readers share."""

import difflib
import hashlib
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from gradlib.data.archives import ARCHIVES
from gradlib.data.images import mask_array
from gradlib.errors import InputError
from gradlib.files import sha256_of

SPLITS = ("train", "test", "validation")  # validation: only ELPV's uncertain cells


@dataclass(frozen=True)
class Sample:
    """One image with its label; `mask` is None where there is none (normal images, ELPV)."""

    image: Path
    category: str
    split: str  # one of SPLITS
    label: int  # 0 normal, 1 anomalous
    defect: str  # defect type, "good" when normal
    mask: Path | None

    def read_mask(self, size: int) -> np.ndarray:
        """The ground truth, (size, size) bool, True where anomalous; all False for a normal image without a mask.

        Raises InputError for an anomalous image without a mask, and as `mask_array` does.
        """
        if self.mask is not None:
            return mask_array(self.mask, self.image, size)
        if self.label:
            raise InputError(f"The anomalous image {self.image} has no mask: add one, or leave out pixel metrics.")
        return np.zeros((size, size), bool)


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """A sequence of samples, ordered by category, split and path: the same on every file system.

    A slice is a Dataset again:

        test = load_dataset("elpv").select(split="test")
        print(len(test), test[0].image, test[:10].labels)
    """

    name: str
    root: Path
    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "Dataset": ...
    def __getitem__(self, index: int | slice) -> "Sample | Dataset":
        return replace(self, samples=self.samples[index]) if isinstance(index, slice) else self.samples[index]

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the categories, in the order of the samples."""
        return tuple(dict.fromkeys(sample.category for sample in self))

    @property
    def labels(self) -> np.ndarray:
        """(N,) int, 0 normal, 1 anomalous."""
        return np.array([sample.label for sample in self], int)

    def masks(self, size: int) -> np.ndarray | None:
        """Masks (N, size, size) bool, or None if any anomalous image has no mask; see `read_masks`."""
        return read_masks(self, size)

    def select(
        self, *, categories: Sequence[str] | None = None, split: str | None = None, label: int | None = None
    ) -> "Dataset":
        """The samples that meet every condition, possibly none; raises InputError for an unknown category or split."""
        if split not in (None, *SPLITS):
            raise InputError(f"Unknown split {split!r}: use one of {', '.join(SPLITS)}.")
        names = choose_categories(categories, self.categories, f"data set {self.name!r}")
        selected = (
            sample
            for sample in self
            if sample.category in names and split in (None, sample.split) and label in (None, sample.label)
        )
        return replace(self, samples=tuple(selected))

    def fingerprint(self) -> str:
        """sha256 (hex) over each sample's relative path, split, label, category number, image bytes and mask bytes.

        Two copies at different roots agree; one changed pixel changes it. Raises InputError for a missing file.
        """
        # the number and not the name, as a folder of one category is named after a root that may be renamed
        number = {category: index for index, category in enumerate(self.categories)}
        total = hashlib.sha256()
        for sample in self:
            files = [
                None if path is None else (path.relative_to(self.root).as_posix(), sha256_of(path))
                for path in (sample.image, sample.mask)
            ]
            total.update(json.dumps([*files, sample.split, sample.label, number[sample.category]]).encode() + b"\n")
        return total.hexdigest()


def read_masks(samples: Sequence[Sample], size: int, *, warn: bool = True) -> np.ndarray | None:
    """Masks (n, size, size) bool, or None if any anomalous image has no mask, with a warning if others have one."""
    without = [s for s in samples if s.label == 1 and s.mask is None]
    if not without:
        return np.array([s.read_mask(size) for s in samples], bool).reshape(-1, size, size)
    if warn and any(s.mask is not None for s in samples):
        warnings.warn(
            f"{len(without)} anomalous image(s) of category {without[0].category!r} have no mask (first: "
            f"{without[0].image}): add the masks under ground_truth, or pixel metrics of this category are undefined.",
            stacklevel=2,
        )
    return None


def sort_samples(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Samples by category, split and path: the same on every file system."""
    return tuple(
        sorted(samples, key=lambda sample: (sample.category, SPLITS.index(sample.split), sample.image.as_posix()))
    )


def rows_by_category(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """The row numbers of each category's samples, categories in the order of their first sample."""
    rows: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        rows.setdefault(sample.category, []).append(number)
    return rows


def choose_categories(requested: Sequence[str] | None, available: Iterable[str], where: str) -> list[str]:
    """The requested category names, sorted, each once; all available ones if none is requested.

    requested: a sequence, or one string with commas. Raises InputError for an unknown name, listing the available ones.
    """
    known = sorted(set(available))
    # a plain string would otherwise be read letter by letter; papermill passes "bottle,transistor"
    names = requested.split(",") if isinstance(requested, str) else list(requested or ())
    names = [name.strip() for name in names if name.strip()]
    for name in names:
        if name not in known:
            raise InputError(
                f"Unknown category {name!r} in {where}: use one of {', '.join(known)}{did_you_mean(name, known)}."
            )
    return sorted(set(names)) or known


def root_variable(dataset: str) -> str:
    """The environment variable that names a data set's folder: GRAD_MVTEC for "mvtec"."""
    return f"GRAD_{dataset.upper().replace('-', '_')}"


def existing_folder(root: Path | str | None, dataset: str, what: str) -> Path:
    """`root` as an absolute path; raises InputError unless it is a folder. what: the folder's description."""
    if not root:
        fetched = f"; `python -m gradlib.data.download {dataset} --to DIR --accept-licence` fetches it"
        raise InputError(
            f"Data set {dataset!r} needs the folder of {what}: give its path as root (DATA_ROOT in the book), "
            f"or set {root_variable(dataset)}{fetched if dataset in ARCHIVES else ''}."
        )
    folder = Path(root).expanduser().resolve()
    if folder.is_file():
        raise InputError(f"{folder} is a file, not the folder of {what}: give the folder (unpack an archive first).")
    if not folder.is_dir():
        raise InputError(
            f"The folder {folder} does not exist: give the folder of {what} as root, or set {root_variable(dataset)}."
        )
    return folder


def warn_of_counts(title: str, category: str, folder: Path, counts: dict[str, int], released: tuple[int, ...]) -> None:
    """Warn if a category does not have the released numbers of images: usable, but its results are not comparable."""
    if tuple(counts.values()) != released:
        has = ", ".join(f"{count} {what}" for what, count in counts.items())
        warnings.warn(
            f"{title}'s category {category!r} in {folder} has {has}; the released data has "
            f"{', '.join(map(str, released)) or 'no such category'}: copy it again, or do not compare its results with "
            "published ones.",
            stacklevel=4,
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint such as " (did you mean 'bottle'?)", or nothing."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
