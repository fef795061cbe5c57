"""The choice of a reader by the data set's name."""

import os
from collections.abc import Sequence
from pathlib import Path

from gradlib.data.samples import Dataset, _nearest
from gradlib.errors import InputError

NAMES = ("elpv", "synthetic", "mvtec", "visa", "folder")


def load_dataset(name: str, root: Path | str | None = None, categories: Sequence[str] | None = None) -> Dataset:
    """Read a dataset by name: "elpv" (comes with a package), "synthetic" (made here), "mvtec", "visa" or "folder".

    `root` defaults to the environment variable GRAD_DATA_ROOT; "elpv" and "synthetic" need none ("folder", your own
    photographs, does). `categories` is a sequence of class names or one string with commas; None or empty means every
    class. Raises InputError for an unknown name or class, and for a folder that is missing or that its reader refuses.
    """
    # imported here, as the readers build the Sample and Dataset of this file
    from gradbook.synthetic.make import read_synthetic
    from gradlib.data.elpv import read_elpv
    from gradlib.data.folder import read_folder
    from gradlib.data.mvtec import read_mvtec
    from gradlib.data.visa import read_visa

    if name not in NAMES:
        raise InputError(f"Unknown dataset {name!r}: use one of {', '.join(NAMES)}{_nearest(name, NAMES)}.")
    if name in ("elpv", "synthetic"):
        read = read_elpv if name == "elpv" else read_synthetic
        return read(categories, folder=Path(root) if root else None)
    root = root or os.environ.get("GRAD_DATA_ROOT")
    if not root:
        raise InputError(
            f"Dataset {name!r} needs its folder: give root (DATA_ROOT in the book) or set GRAD_DATA_ROOT"
            + (
                "."
                if name == "folder"
                else f"; `python -m gradlib.data.download {name} --to DIR --accept-licence` fetches it."
            )
        )
    return {"mvtec": read_mvtec, "visa": read_visa, "folder": read_folder}[name](root, categories)
