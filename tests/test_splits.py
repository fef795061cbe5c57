"""Which normal photographs a run of somebody's own folder keeps from training."""

from pathlib import Path

import numpy as np
import pytest

from conftest import save
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset
from gradlib.data.splits import MIN_HOLD_OUT, hold_out
from gradlib.deploy.thresholds import choose_threshold
from gradlib.errors import InputError


def folder(root: Path, **numbers: int) -> Dataset:
    """A folder with so many photographs in each place, named as train_good."""
    for place, number in numbers.items():
        for index in range(number):
            save(np.full((8, 8), index, np.uint8), root / place.replace("_", "/") / f"{index:02d}.png")
    return load_dataset("folder", root)


def test_enough_for_a_threshold_are_held_out_by_the_seed(tmp_path: Path) -> None:
    dataset = folder(tmp_path, train_good=41)
    held = hold_out(dataset, 0)
    train, test = (held.select(split=split) for split in ("train", "test"))
    assert (len(train), len(test)) == (22, MIN_HOLD_OUT)
    expected = [choose_threshold(np.arange(n), 0.05).expected for n in (MIN_HOLD_OUT, MIN_HOLD_OUT - 1)]
    assert expected[0] <= 0.05 < expected[1]
    assert {s.label for s in test} == {0}
    assert {s.image for s in (*train, *test)} == {s.image for s in dataset}
    assert hold_out(dataset, 0) == held
    assert hold_out(dataset, 1) != held


@pytest.mark.parametrize(("normals", "held"), [(2, 1), (9, 4), (38, 19), (79, 19), (80, 20), (98, 24)])
def test_share_is_half_of_a_few_and_a_fourth_of_many(tmp_path: Path, normals: int, held: int) -> None:
    dataset = hold_out(folder(tmp_path, train_good=normals), 0)
    assert len(dataset.select(split="test")) == held


def test_good_test_photographs_are_used_as_they_are(tmp_path: Path) -> None:
    dataset = folder(tmp_path, train_good=8, test_good=2)
    assert hold_out(dataset, 0) == dataset


def test_defective_test_photographs_alone_do_not_replace_them(tmp_path: Path) -> None:
    held = hold_out(folder(tmp_path, train_good=8, test_rust=3), 0)
    assert len(held.select(split="train")) == 4
    assert [len(held.select(split="test", label=label)) for label in (0, 1)] == [4, 3]


def test_of_one_photograph_none_can_be_held_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Category one has one normal image \(.*00\.png\): add more"):
        hold_out(folder(tmp_path / "one", train_good=1), 0)
