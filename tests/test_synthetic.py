"""The synthetic data set: reproducible bytes, exact masks, splits that share nothing, and no incomplete folder."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from gradbook.synthetic import make, scenes
from gradbook.synthetic.defects import CLOSING_RADIUS, DEFECTS, MIN_AREA, MIN_CHANGE, changed_area
from gradbook.synthetic.make import draw_image, make_synthetic, read_synthetic
from gradlib.data.images import read_image
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it

SMALL = {"normals": 2, "good": 1, "per_defect": 1}
EVERY_DEFECT = [(category, defect) for category, defects in DEFECTS.items() for defect in defects]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return make_synthetic(tmp_path_factory.mktemp("synthetic") / "small", **SMALL)


@pytest.fixture
def few(monkeypatch):
    """Make the data set of the first use small."""
    monkeypatch.setattr(make, "DEFAULTS", {"seed": 0, "normals": 1, "good": 0, "per_defect": 0})


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_every_category_has_the_requested_counts_and_a_mask_for_each_defect(small):
    dataset = read_synthetic(small)
    assert dataset.categories == tuple(scenes.SCENES) == tuple(DEFECTS)
    for category, defects in DEFECTS.items():
        of_category = dataset.select(categories=[category])
        counts = Counter((sample.split, sample.defect) for sample in of_category)
        assert counts == Counter(
            {("train", "good"): 2, ("test", "good"): 1} | {("test", defect): 1 for defect in defects}
        )
        assert len(defects) >= 3
    for sample in dataset:
        assert read_image(sample.image).size == (256, 256)
        assert sample.read_mask(256).any() == bool(sample.label)
    sample = dataset.select(label=1)[0]
    with Image.open(sample.image) as image, Image.open(sample.mask) as mask:
        assert (image.mode, mask.mode, set(np.unique(mask))) == ("RGB", "L", {0, 255})


def test_bytes_are_reproducible_and_do_not_depend_on_the_counts(small, tmp_path):
    fewer = files(make_synthetic(tmp_path / "fewer", normals=1, good=1, per_defect=1))
    before = files(small)
    assert len(before) == len(fewer) + len(DEFECTS)
    assert all(before[name] == content for name, content in fewer.items())


def test_seed_and_number_give_other_images():
    images = [
        draw_image("gravel", "train", "good", number, seed=seed).image for number, seed in ((0, 0), (1, 0), (0, 1))
    ]
    assert len({image.tobytes() for image in images}) == 3


@pytest.mark.parametrize(("category", "defect"), EVERY_DEFECT)
def test_mask_is_where_the_image_differs_from_its_clean_version(category, defect):
    drawing = draw_image(category, "test", defect, 7)
    change = np.abs(drawing.image.astype(int) - drawing.clean)
    assert drawing.mask.sum() >= MIN_AREA
    assert not change[~drawing.mask].any()
    # a masked pixel that looks the same lies within a gap of a changed area, or in a hole of it
    near = ndimage.distance_transform_edt(change <= MIN_CHANGE) <= 2 * CLOSING_RADIUS
    assert not (drawing.mask & ~ndimage.binary_fill_holes(near)).any()
    assert (change[drawing.mask] > MIN_CHANGE).mean() > 0.5


def test_normal_images_have_an_empty_mask_and_no_change():
    drawing = draw_image("coins", "test", "good", 0)
    assert not drawing.mask.any()
    np.testing.assert_array_equal(drawing.image, drawing.clean)


def test_changed_area_bridges_gaps_and_drops_specks():
    clean = np.full((256, 256), 100, np.uint8)
    defective = clean.copy()
    defective[20:40, 0:30] += 50
    defective[28:31, 10:13] = 100  # a pinhole
    defective[100, 100] += 50  # a speck
    defective[150:200, 150:200] += MIN_CHANGE  # too weak to be seen
    expected = np.zeros((256, 256), bool)
    expected[20:40, 0:30] = True
    np.testing.assert_array_equal(changed_area(clean, defective), expected)


def test_moved_coin_is_marked_at_its_old_and_its_new_place():
    drawing, missing = draw_image("coins", "test", "moved", 3), draw_image("coins", "test", "missing", 3)
    one_coin = missing.mask.sum()
    assert 1.1 * one_coin < drawing.mask.sum() < 2 * one_coin


@pytest.mark.parametrize("name", ["brick", "gravel", "moon"])
def test_textures_of_train_and_test_share_no_column(name, monkeypatch):
    width = scenes.bundled_image(name).shape[1]
    train, test = (np.arange(width)[scenes.columns(width, split)] for split in ("train", "test"))
    assert train.max() + scenes.GAP <= test.min()
    columns = np.tile(np.arange(width) // 2, (512, 1)).astype(np.uint8)  # the image's own columns, halved to fit
    monkeypatch.setattr(scenes, "bundled_image", lambda name: columns)
    seen = {
        split: [scenes.crop(name, split, 180, np.random.default_rng(seed)) for seed in range(20)]
        for split in ("train", "test")
    }
    assert np.max(seen["train"]) < np.min(seen["test"])


@pytest.mark.parametrize("category", ["mono", "poly"])
def test_train_and_test_share_no_cell(category):
    train, test = (scenes.cell_paths(category, split) for split in ("train", "test"))
    assert train
    assert test
    assert not set(train) & set(test)


def test_load_dataset_gives_what_the_reader_gives(small, monkeypatch):
    monkeypatch.setenv("GRAD_MVTEC", "/nowhere")
    assert load_dataset("synthetic", small) == read_synthetic(small)
    assert load_dataset("synthetic", small).name == "synthetic"
    assert load_dataset("synthetic", small, "coins,module").categories == ("coins", "module")


def test_it_is_written_once_to_the_cache(tmp_path, monkeypatch, few):
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path))
    dataset = load_dataset("synthetic")
    assert dataset.root == tmp_path / f"synthetic-{make.VERSION}"
    monkeypatch.setattr(make, "draw_image", None)
    assert read_synthetic() == dataset


def test_killed_build_leaves_nothing_that_is_read(tmp_path, monkeypatch, few):
    root, draw = tmp_path / "made", make.draw_image

    def killed(category, *others, **settings):
        if category == "coins":
            raise KeyboardInterrupt
        return draw(category, *others, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(make, "draw_image", killed)
        patched.setattr(make.shutil, "rmtree", lambda *_, **__: None)  # a kill cleans nothing up
        with pytest.raises(KeyboardInterrupt):
            read_synthetic(root)
    assert not root.exists()
    (tmp_path / ".made.making" / "bricks" / "train" / "good" / "999.png").write_bytes(b"half an image")
    assert len(read_synthetic(root)) == len(DEFECTS)
    assert not (tmp_path / ".made.making").exists()


def test_unknown_names_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(InputError, match=r"'coin' in the synthetic data set.*did you mean 'coins'"):
        load_dataset("synthetic", tmp_path / "made", "coin")
    assert not (tmp_path / "made").exists()
    with pytest.raises(InputError, match="'rust' in the defect types of coins"):
        draw_image("coins", "test", "rust", 0)


def test_folders_with_other_contents_are_left_alone(small, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="already holds something: move it away"):
        read_synthetic(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(InputError, match=r"already holds a synthetic data set"):
        make_synthetic(small)
    with pytest.raises(InputError, match="cannot be written"):
        make_synthetic(tmp_path / "mine.txt" / "below")
    with pytest.raises(InputError, match="normals=0"):
        make_synthetic(tmp_path / "new", normals=0)


def test_empty_folder_is_filled(tmp_path, few):
    assert len(read_synthetic(tmp_path, ["cell"])) == 1
