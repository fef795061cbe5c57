"""Data sets by name: their readers, and where their files lie."""

import os
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from gradlib.data.elpv import read_elpv
from gradlib.data.folder import read_folder
from gradlib.data.mvtec import read_mvtec
from gradlib.data.samples import Dataset, did_you_mean, root_variable
from gradlib.data.visa import read_visa
from gradlib.errors import InputError

Reader = Callable[[Path | str | None, Sequence[str] | None], Dataset]  # (root, categories)

READERS: dict[str, Reader] = {"elpv": read_elpv, "mvtec": read_mvtec, "visa": read_visa, "folder": read_folder}
GROUP = "gradlib.readers"  # of entry points, by which an installed package adds readers of its own


def load_dataset(name: str, root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """Read a data set by name.

    name: "elpv" (comes with a package), "mvtec", "visa", "folder" (your own photographs), or one that an installed
    package adds, such as the book's "synthetic". root: the data's folder, by default that in the environment variable
    GRAD_<NAME> (GRAD_MVTEC, ...); "elpv" and "synthetic" need none. categories: names, or one string with commas; None
    or empty means all. Raises InputError for an unknown name or category, and for a folder that is missing or that its
    reader refuses.

        test = load_dataset("mvtec", "path/to/mvtec", ["bottle"]).select(split="test")
    """
    added = {point.name: point for point in entry_points(group=GROUP)}
    names = list(dict.fromkeys((*READERS, *added)))
    if name not in names:
        raise InputError(f"Unknown data set {name!r}: use one of {', '.join(names)}{did_you_mean(name, names)}.")
    read: Reader = READERS.get(name) or added[name].load()
    return read(root or data_root(name), categories)


def data_root(dataset: str) -> str | None:
    """The folder that the environment variable GRAD_<NAME> names for a data set, else None."""
    return os.environ.get(root_variable(dataset)) or None
