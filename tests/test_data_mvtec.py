"""MVTec AD's reader: released counts, order, and one sentence for each tree that it cannot use."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from conftest import save, write_tiny_mvtec
from gradlib.data import mvtec
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from readers import GREY, counts

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


def test_released_mvtec_counts_add_up_to_the_published_totals():
    assert len(mvtec.RELEASED_COUNTS) == 15
    assert tuple(map(sum, zip(*mvtec.RELEASED_COUNTS.values(), strict=True))) == (3629, 1725, 1258)


def test_real_mvtec_categories_have_the_released_counts(mvtec_root):
    dataset = load_dataset("mvtec", mvtec_root, ["bottle", "transistor"])
    assert dataset.categories == ("bottle", "transistor")
    for category, (train, test, masks) in (("bottle", (209, 83, 63)), ("transistor", (213, 100, 40))):
        of_category = dataset.select(categories=[category])
        assert len(of_category.select(split="train")) == train
        assert len(of_category.select(split="test")) == test
        assert sum(sample.mask is not None for sample in of_category) == masks
        assert len(of_category.select(label=1)) == masks


def test_mvtec_samples_know_their_defect_and_mask(tiny_mvtec):
    dataset = load_dataset("mvtec", tiny_mvtec)
    assert counts(dataset) == Counter(
        {(c, s, n): k for c in ("gear", "nut") for s, n, k in (("train", 0, 4), ("test", 0, 2), ("test", 1, 2))}
    )
    for sample in dataset:
        assert sample.image.is_file()
        assert (sample.defect == "good") == (sample.label == 0) == (sample.mask is None)
    crack = dataset.select(categories=["nut"], label=1)[1]
    assert crack.defect == "crack"
    assert crack.mask == tiny_mvtec / "nut/ground_truth/crack/001_mask.png"


def test_partial_released_category_is_read_with_a_warning_that_names_both_counts(tmp_path):
    root = write_tiny_mvtec(tmp_path, ("bottle",))
    with pytest.warns(UserWarning, match="'bottle'.* 4 training images, 4 test images, 2 masks; .* 209, 83, 63"):
        dataset = load_dataset("mvtec", root)
    assert len(dataset) == 8


def test_order_of_samples_does_not_depend_on_the_file_system_or_the_request(tiny_mvtec, monkeypatch):
    forwards = load_dataset("mvtec", tiny_mvtec, ["nut", "gear"])
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: reversed(list(listing(folder))))
    assert load_dataset("mvtec", tiny_mvtec, "gear,nut") == forwards


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda root: shutil.rmtree(root), "does not exist"),
        (lambda root: shutil.rmtree(root / "gear/train/good"), "'gear' has no normal training images.*train/good"),
        (lambda root: (root / "empty").mkdir(), "'empty' is empty"),
        (lambda root: (root / "nut/ground_truth/crack/001_mask.png").unlink(), "crack/001.png has no mask"),
        (lambda root: save(GREY, root / "nut/test/loose.png"), "loose.png lies directly in test/"),
        (lambda root: save(GREY, root / "nut/train/loose.png"), "loose.png lies directly in train/"),
    ],
)
def test_unusable_mvtec_tree_is_refused_with_one_sentence(tiny_mvtec, damage, sentence):
    damage(tiny_mvtec)
    with pytest.raises(InputError, match=sentence) as refusal:
        load_dataset("mvtec", tiny_mvtec)
    assert "\n" not in str(refusal.value)


def test_unknown_category_is_refused_with_the_known_ones_and_the_closest(tiny_mvtec):
    with pytest.raises(InputError, match=r"'gaer'.*use one of gear, nut \(did you mean 'gear'\?\)"):
        load_dataset("mvtec", tiny_mvtec, ["gaer"])


def test_one_category_folder_given_as_mvtec_root_is_refused(tiny_mvtec):
    with pytest.raises(InputError, match="is itself one category: give its parent"):
        load_dataset("mvtec", tiny_mvtec / "gear")


def test_folder_without_any_category_is_refused(tmp_path):
    with pytest.raises(InputError, match="No category of MVTec AD"):
        load_dataset("mvtec", tmp_path)


def test_archive_given_as_root_is_refused(tmp_path):
    (tmp_path / "x.tar").touch()
    with pytest.raises(InputError, match="is a file, not the folder"):
        load_dataset("mvtec", tmp_path / "x.tar")


def test_hidden_files_of_other_systems_are_no_samples(tiny_mvtec):
    (tiny_mvtec / "gear/train/good/._000.png").write_bytes(b"resource fork")
    (tiny_mvtec / "__MACOSX/train").mkdir(parents=True)
    assert len(load_dataset("mvtec", tiny_mvtec)) == 16
