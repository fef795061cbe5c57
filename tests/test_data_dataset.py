"""The choice of a reader by name, selections from a dataset, and its fingerprint."""

import shutil
import warnings
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from conftest import save
from gradlib.data import readers
from gradlib.data.mvtec import read_mvtec
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset
from gradlib.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


def test_unknown_dataset_is_refused_with_the_names():
    with pytest.raises(
        InputError, match=r"'mvtek': use one of elpv, mvtec, visa, folder, synthetic \(did you mean 'mvtec'\?\)"
    ):
        load_dataset("mvtek")


def test_root_defaults_to_the_data_set_s_own_variable_which_the_refusal_names(tiny_mvtec, monkeypatch):
    monkeypatch.delenv("GRAD_VISA", raising=False)
    monkeypatch.setenv("GRAD_MVTEC", str(tiny_mvtec))
    assert load_dataset("mvtec").root == tiny_mvtec
    for nothing in (None, ""):
        with pytest.raises(
            InputError, match=r"'visa' needs the folder of VisA.*as root.*set GRAD_VISA; .*download visa"
        ):
            load_dataset("visa", nothing)
    monkeypatch.setenv("GRAD_MVTEC", str(tiny_mvtec / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere does not exist.*root, or set GRAD_MVTEC"):
        load_dataset("mvtec")


def test_a_reader_is_one_line_in_the_table_or_an_entry_point_of_a_package(tiny_mvtec, monkeypatch):
    monkeypatch.setitem(readers.READERS, "parts", read_mvtec)
    monkeypatch.setenv("GRAD_PARTS", str(tiny_mvtec))
    assert load_dataset("parts") == load_dataset("mvtec", tiny_mvtec)
    point = EntryPoint("other-parts", "gradlib.data.mvtec:read_mvtec", readers.GROUP)
    monkeypatch.setattr(readers, "entry_points", lambda group: [point] if group == readers.GROUP else [])
    assert load_dataset("other-parts", tiny_mvtec) == load_dataset("mvtec", tiny_mvtec)
    with pytest.raises(InputError, match="one of elpv, mvtec, visa, folder, parts, other-parts"):
        load_dataset("synthetic")


def test_a_data_set_is_a_sequence_of_its_samples(tiny_mvtec):
    dataset = load_dataset("mvtec", tiny_mvtec)
    assert len(dataset) == len(list(dataset)) == 16
    assert dataset[0] == dataset.samples[0]
    assert dataset[-1] in dataset
    part = dataset[2:8]
    assert isinstance(part, Dataset)
    assert list(part) == list(dataset)[2:8]
    assert part.root == dataset.root
    np.testing.assert_array_equal(part.labels, [0, 0, 1, 1, 0, 0])
    assert dataset.labels.dtype.kind == "i"
    assert dataset[:0].labels.shape == (0,)
    assert not dataset[:0]


def test_no_categories_mean_all_of_them(tiny_mvtec):
    for nothing in (None, "", [], ()):
        assert load_dataset("mvtec", tiny_mvtec, nothing).categories == ("gear", "nut")
    assert load_dataset("mvtec", tiny_mvtec, " nut ,").categories == ("nut",)


def test_selection_by_an_unknown_split_or_category_is_refused(tiny_mvtec):
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


def test_fingerprint_of_one_category_survives_the_renaming_of_its_folder(tiny_mvtec):
    before = load_dataset("folder", tiny_mvtec / "gear").fingerprint()
    assert load_dataset("folder", (tiny_mvtec / "gear").rename(tiny_mvtec / "cog")).fingerprint() == before


def test_fingerprint_names_a_missing_file(tiny_mvtec):
    dataset = load_dataset("mvtec", tiny_mvtec)
    (tiny_mvtec / "gear/train/good/002.png").unlink()
    with pytest.raises(InputError, match=r"002\.png cannot be read"):
        dataset.fingerprint()


def test_reading_a_complete_tree_is_silent(tiny_mvtec):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        load_dataset("mvtec", tiny_mvtec)
        load_dataset("elpv")
    assert heard == []
