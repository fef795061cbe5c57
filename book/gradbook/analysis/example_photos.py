"""A folder as a reader would bring it: files of good photographs, and some that came later."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gradlib.data.elpv import read_elpv
from gradlib.data.samples import Sample
from gradlib.errors import InputError


def example_folder(
    to: Path, *, kind: str = "mono", normals: int = 40, later: int = 80, seed: int = 0
) -> tuple[Path, Path]:
    """Solar cells of one kind as files: `<to>/cells/train/good`, and `<to>/later/good` and `<to>/later/defective`.

    `normals` good ones to learn from; `later` of each sort that no one has seen, at most as many as ELPV's test cells
    have. Drawn by the seed. Returns both folders. Raises InputError if one exists already or there are too few cells.
    """
    cells = read_elpv(categories=[kind])
    draw = np.random.default_rng(seed)
    folders = to / "cells", to / "later"
    for folder in folders:
        if folder.exists():
            raise InputError(f"{folder} exists already: give a folder that is empty.")
    train = cells.select(split="train", label=0)
    if not 1 <= normals <= len(train):
        raise InputError(f"ELPV has {len(train)} normal {kind} cells to train on: give 1 to so many normals.")
    _copy([train[i] for i in draw.permutation(len(train))[:normals]], folders[0] / "train" / "good")
    for label, name in ((0, "good"), (1, "defective")):
        test = cells.select(split="test", label=label)
        _copy([test[i] for i in draw.permutation(len(test))[:later]], folders[1] / name)
    return folders


def _copy(samples: Sequence[Sample], to: Path) -> None:
    """As 000.png, 001.png, ...: a name must not tell what the photograph shows."""
    to.mkdir(parents=True)
    for number, sample in enumerate(samples):
        shutil.copy(sample.image, to / f"{number:03d}{sample.image.suffix}")
