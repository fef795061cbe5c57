"""The choice of a reader by name, selections from a dataset, and its fingerprint."""

import shutil
import warnings

import numpy as np
import pytest

from conftest import save
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


def test_unknown_dataset_is_refused_with_the_names():
    with pytest.raises(
        InputError, match=r"'mvtek': use one of elpv, synthetic, mvtec, visa, folder \(did you mean 'mvtec'\?\)"
    ):
        load_dataset("mvtek")


def test_root_defaults_to_the_environment_and_its_absence_is_told(tiny_mvtec, monkeypatch):
    monkeypatch.setenv("GRAD_DATA_ROOT", str(tiny_mvtec))
    assert load_dataset("mvtec").root == tiny_mvtec
    monkeypatch.delenv("GRAD_DATA_ROOT")
    for nothing in (None, ""):
        with pytest.raises(InputError, match=r"'visa' needs its folder.*GRAD_DATA_ROOT.*download visa"):
            load_dataset("visa", nothing)


def test_no_categories_mean_all_of_them(tiny_mvtec):
    for nothing in (None, "", [], ()):
        assert load_dataset("mvtec", tiny_mvtec, nothing).categories == ("gear", "nut")
    assert load_dataset("mvtec", tiny_mvtec, " nut ,").categories == ("nut",)


def test_selection_by_an_unknown_split_or_class_is_refused(tiny_mvtec):
    dataset = load_dataset("mvtec", tiny_mvtec)
    assert dataset.select(split="train", label=1).samples == ()
    with pytest.raises(InputError, match="'valid'"):
        dataset.select(split="valid")
    with pytest.raises(InputError, match="'screw'"):
        dataset.select(categories=["screw"])


def test_fingerprint_survives_a_move_and_notices_one_pixel(tiny_mvtec, tmp_path):
    before = load_dataset("mvtec", tiny_mvtec).fingerprint()
    assert len(before) == 64
    moved = shutil.copytree(tiny_mvtec, tmp_path / "elsewhere")
    assert load_dataset("mvtec", moved).fingerprint() == before
    for file in ("gear/train/good/000.png", "nut/ground_truth/crack/000_mask.png"):
        original = (moved / file).read_bytes()
        pixels = np.zeros((32, 32), np.uint8)
        pixels[0, 0] = 1
        save(pixels, moved / file)
        assert load_dataset("mvtec", moved).fingerprint() != before
        (moved / file).write_bytes(original)
    assert load_dataset("mvtec", moved).fingerprint() == before
    assert load_dataset("mvtec", moved, "nut").fingerprint() != before


def test_fingerprint_of_one_class_survives_the_renaming_of_its_folder(tiny_mvtec):
    before = load_dataset("folder", tiny_mvtec / "gear").fingerprint()
    assert load_dataset("folder", (tiny_mvtec / "gear").rename(tiny_mvtec / "cog")).fingerprint() == before


def test_fingerprint_names_a_file_that_is_gone(tiny_mvtec):
    dataset = load_dataset("mvtec", tiny_mvtec)
    (tiny_mvtec / "gear/train/good/002.png").unlink()
    with pytest.raises(InputError, match=r"002\.png cannot be read"):
        dataset.fingerprint()


def test_reading_a_whole_tree_is_silent(tiny_mvtec):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        load_dataset("mvtec", tiny_mvtec)
        load_dataset("elpv")
    assert heard == []
