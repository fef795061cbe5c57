"""ELPV's reader: counts, the fixed split, and the cells that only a validation may touch."""

import hashlib
from collections import Counter

import pytest

from conftest import save
from gradlib.data.elpv import read_elpv
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from readers import GREY, counts

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


def test_elpv_is_split_as_documented():
    assert counts(load_dataset("elpv")) == Counter(
        {
            ("mono", "train", 0): 470,
            ("mono", "test", 0): 118,
            ("mono", "test", 1): 313,
            ("poly", "train", 0): 736,
            ("poly", "test", 0): 184,
            ("poly", "test", 1): 402,
        }
    )


def test_uncertain_elpv_cells_are_a_validation_split_that_touches_nothing_else():
    certain, everything = load_dataset("elpv"), read_elpv(uncertain=True)
    assert len(everything) == 2624
    assert len({sample.image for sample in everything}) == 2624
    middle = everything.select(split="validation")
    assert counts(middle) == Counter(
        {("mono", "validation", 0): 117, ("mono", "validation", 1): 56, ("poly", "validation", 0): 178}
        | {("poly", "validation", 1): 50}
    )
    assert set(everything) - set(middle) == set(certain)


def test_elpv_split_never_moves_a_cell():
    # pinned, as every published number of the default run rests on it
    train = sorted(sample.image.name for sample in load_dataset("elpv").select(split="train"))
    assert hashlib.sha256("\n".join(train).encode()).hexdigest() == (
        "d6d048d20444f3b7e9b24e16f614b1e134412b1e231f6e285e3d3d759104723e"
    )


def test_elpv_needs_no_folder_but_its_variable_names_another(monkeypatch):
    monkeypatch.setenv("GRAD_MVTEC", "/nowhere")
    assert len(load_dataset("elpv", None, "mono")) == 588 + 313
    monkeypatch.setenv("GRAD_ELPV", "/nowhere")
    with pytest.raises(InputError, match=r"/nowhere does not exist.* set GRAD_ELPV"):
        load_dataset("elpv")


def test_other_elpv_counts_are_warned_of_and_missing_cells_refused(tmp_path):
    for number in range(5):
        save(GREY, tmp_path / f"images/{number}.png")
    lines = [f"images/{number}.png  0.0  mono" for number in range(5)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match=r"'mono'.* 5 cells .*0/3, 0 .*; .* 588, 117, 56, 313"):
        assert len(load_dataset("elpv", tmp_path).select(split="train")) == 4
    (tmp_path / "images/3.png").unlink()
    with pytest.raises(InputError, match=r"3\.png does not exist"):
        load_dataset("elpv", tmp_path)
    (tmp_path / "labels.csv").write_text("images/0.png mono")
    with pytest.raises(InputError, match=r"Line 1 of .*labels.csv"):
        load_dataset("elpv", tmp_path)
    (tmp_path / "labels.csv").write_text("images/0.png 1.0 mono")
    with pytest.warns(UserWarning, match="'mono'"), pytest.raises(InputError, match="no normal training images"):
        load_dataset("elpv", tmp_path)
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(InputError, match=r"labels\.csv does not exist"):
        load_dataset("elpv", tmp_path)


def test_missing_elpv_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install elpv-dataset"):
        load_dataset("elpv")
