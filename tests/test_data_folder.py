"""A user's own photographs: layouts, suffixes, optional masks and tests."""

from collections import Counter

import pytest

from conftest import save
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from readers import GREY, counts

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


def test_one_category_of_own_photographs_is_named_after_its_folder(tmp_path):
    for index, suffix in enumerate(("png", "JPG", "jpeg", "bmp", "tif", "TIFF", "WebP")):
        save(GREY, tmp_path / f"bolts/train/good/{index}.{suffix}")
    (tmp_path / "bolts/train/good/notes.txt").touch()
    dataset = load_dataset("folder", tmp_path / "bolts")
    assert counts(dataset) == Counter({("bolts", "train", 0): 7})


def test_masks_of_own_photographs_are_optional_and_have_two_names(tmp_path):
    for name in ("train/good/a.jpg", "test/good/a.jpg", "test/rust/a.jpg", "test/rust/b.jpg", "test/bent/c.jpg"):
        save(GREY, tmp_path / name)
    masks = {sample.image.name: sample.mask for sample in load_dataset("folder", tmp_path).select(label=1)}
    assert masks == {"a.jpg": None, "b.jpg": None, "c.jpg": None}
    truth = tmp_path / "ground_truth"
    for name in ("rust/a_mask.PNG", "rust/b.png", "bent/c.png"):
        save(GREY, truth / name)
    masks = {sample.image.name: sample.mask for sample in load_dataset("folder", tmp_path).select(label=1)}
    assert masks == {"a.jpg": truth / "rust/a_mask.PNG", "b.jpg": truth / "rust/b.png", "c.jpg": truth / "bent/c.png"}
    (truth / "rust/b.png").unlink()
    with pytest.warns(UserWarning, match=r"1 anomalous image\(s\) .* no mask .*b\.jpg"):
        load_dataset("folder", tmp_path)


def test_several_categories_of_own_photographs_and_unrelated_folders(tmp_path):
    save(GREY, tmp_path / "bolt/train/good/0.png")
    save(GREY, tmp_path / "screw/train/good/0.png")
    save(GREY, tmp_path / "holiday/0.png")
    assert load_dataset("folder", tmp_path).categories == ("bolt", "screw")


def test_own_photographs_without_normal_training_images_are_refused(tmp_path):
    save(GREY, tmp_path / "bolt/test/rust/0.png")
    for root in (tmp_path, tmp_path / "bolt"):
        with pytest.raises(InputError, match=r"'bolt' has no normal training images: put them in .*good"):
            load_dataset("folder", root)


def test_defective_photographs_under_train_are_left_out_with_a_warning(tmp_path):
    save(GREY, tmp_path / "train/good/0.png")
    save(GREY, tmp_path / "train/rust/0.png")
    with pytest.warns(UserWarning, match="also holds rust, which is left out"):
        assert len(load_dataset("folder", tmp_path)) == 1


def test_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(InputError, match="No photographs are in"):
        load_dataset("folder", tmp_path)


def test_photographs_in_a_folder_that_is_not_read_are_refused_by_name(tmp_path):
    save(GREY, tmp_path / "loose/0.png")
    save(GREY, tmp_path / "bare/good/0.png")
    for root, name in ((tmp_path / "loose", r"loose.0\.png"), (tmp_path / "bare", r"good.0\.png")):
        with pytest.raises(InputError, match=name + r" lies in a folder that is not read: move .*train.good"):
            load_dataset("folder", root)


@pytest.mark.parametrize("place", ["train/good", "test/good", "test/rust"])
def test_a_format_that_is_not_read_is_refused_and_not_left_out(tmp_path, place):
    save(GREY, tmp_path / "train/good/0.png")
    for name in ("1.HEIC", "2.heic"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / name).touch()
    with pytest.raises(InputError, match=r"1\.HEIC has the format \.HEIC.* 1 more .*as \.png or \.jpg"):
        load_dataset("folder", tmp_path)
    for name in ("1.HEIC", "2.heic"):
        (tmp_path / place / name).rename(tmp_path / place / f"._{name}")
    assert len(load_dataset("folder", tmp_path)) == 1
