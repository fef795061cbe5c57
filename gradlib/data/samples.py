"""One sample, one dataset, and the choice of a reader by name."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradlib.errors import InputError
from gradlib.files import sha256_of

SPLITS = ("train", "test", "validation")  # validation: only ELPV's uncertain cells


@dataclass(frozen=True)
class Sample:
    """One photograph and what is known of it; `mask` is None where none exists (normal images, ELPV)."""

    image: Path
    category: str
    split: str  # one of SPLITS
    label: int  # 0 normal, 1 anomalous
    defect: str  # kind of defect, "good" when normal
    mask: Path | None


@dataclass(frozen=True)
class Dataset:
    """Samples in an order that no file system changes: by class, then split, then path."""

    name: str
    root: Path
    samples: tuple[Sample, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The class names, in the order of the samples."""
        return tuple(dict.fromkeys(sample.category for sample in self.samples))

    def select(
        self, *, categories: Sequence[str] | None = None, split: str | None = None, label: int | None = None
    ) -> "Dataset":
        """The samples that meet every condition, possibly none; raises InputError for an unknown class or split."""
        if split not in (None, *SPLITS):
            raise InputError(f"Unknown split {split!r}: use one of {', '.join(SPLITS)}.")
        wanted = choose_categories(categories, self.categories, f"dataset {self.name!r}")
        kept = tuple(
            sample
            for sample in self.samples
            if sample.category in wanted and split in (None, sample.split) and label in (None, sample.label)
        )
        return replace(self, samples=kept)

    def fingerprint(self) -> str:
        """sha256 (hex) over each sample's relative path, split, label, class number, image bytes and mask bytes.

        Two copies at different roots agree; one changed pixel does not. Raises InputError for a file that is gone.
        """
        # a class counts by its number, as a folder of one class is named after a root that may be renamed
        number = {category: index for index, category in enumerate(self.categories)}
        total = hashlib.sha256()
        for sample in self.samples:
            files = [
                None if path is None else (path.relative_to(self.root).as_posix(), sha256_of(path))
                for path in (sample.image, sample.mask)
            ]
            total.update(json.dumps([*files, sample.split, sample.label, number[sample.category]]).encode() + b"\n")
        return total.hexdigest()


def in_order(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Samples by class, split and path: the same on every file system."""
    return tuple(
        sorted(samples, key=lambda sample: (sample.category, SPLITS.index(sample.split), sample.image.as_posix()))
    )


def rows_by_category(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """The numbers of each class's samples, classes in the order of their first sample."""
    rows: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        rows.setdefault(sample.category, []).append(number)
    return rows


def choose_categories(wanted: Sequence[str] | None, found: Iterable[str], where: str) -> list[str]:
    """The wanted class names, sorted and each once; raises InputError naming the found ones if one is unknown."""
    known = sorted(set(found))
    # a plain string would otherwise be taken letter by letter; papermill passes "bottle,transistor"
    names = wanted.split(",") if isinstance(wanted, str) else list(wanted or ())
    names = [name.strip() for name in names if name.strip()]
    for name in names:
        if name not in known:
            raise InputError(f"Unknown class {name!r} in {where}: found {', '.join(known)}{_nearest(name, known)}.")
    return sorted(set(names)) or known


def existing_folder(root: Path | str, what: str) -> Path:
    """`root` as an absolute path; raises InputError unless it is a folder."""
    folder = Path(root).expanduser().resolve()
    if folder.is_file():
        raise InputError(f"{folder} is a file, not the folder of {what}: give the folder (unpack an archive first).")
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist: give the folder of {what} as root.")
    return folder


def _nearest(name: str, known: Iterable[str]) -> str:
    """A hint such as " (did you mean 'bottle'?)", or nothing."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
