"""An example of a reader's folder: good photographs to train on, and later ones to judge."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gradlib.data.elpv import read_elpv
from gradlib.data.samples import Sample
from gradlib.errors import InputError


def example_folder(
    to: Path, *, category: str = "mono", normals: int = 40, later: int = 80, seed: int = 0
) -> tuple[Path, Path]:
    """Write solar cells to `<to>/cells/train/good`, `<to>/later/good` and `<to>/later/defective`; return both folders.

    normals: how many good cells to train on, drawn from ELPV's training cells. later: how many good and how many
    defective ones, drawn from its test cells, or all of them if there are fewer. Raises InputError if one of the
    folders exists or if there are too few cells.
    """
    cells = read_elpv(categories=[category])
    draw = np.random.default_rng(seed)
    folders = to / "cells", to / "later"
    for folder in folders:
        if folder.exists():
            raise InputError(f"The folder {folder} exists already: remove it or give another one.")
    train = cells.select(split="train", label=0)
    if not 1 <= normals <= len(train):
        raise InputError(
            f"ELPV has {len(train)} normal {category} cells to train on: give normals from 1 to {len(train)}."
        )
    _copy([train[i] for i in draw.permutation(len(train))[:normals]], folders[0] / "train" / "good")
    for label, name in ((0, "good"), (1, "defective")):
        test = cells.select(split="test", label=label)
        _copy([test[i] for i in draw.permutation(len(test))[:later]], folders[1] / name)
    return folders


def _copy(samples: Sequence[Sample], to: Path) -> None:
    """Copy images as 000.png, 001.png, ...: a name must not reveal what the image shows."""
    to.mkdir(parents=True)
    for number, sample in enumerate(samples):
        shutil.copy(sample.image, to / f"{number:03d}{sample.image.suffix}")
