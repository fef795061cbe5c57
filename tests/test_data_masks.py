"""Masks: any non-zero value marks, sizes must agree, and a missing or damaged one is named."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import save
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Sample, read_masks
from gradlib.errors import InputError

RAMP = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)


def sample(image: Path, mask: Path | None, label: int = 1) -> Sample:
    return Sample(image, "gear", "test", label, "crack" if label else "good", mask)


def test_mask_is_true_where_its_value_is_not_zero_however_small(tmp_path):
    image, marks = save(RAMP, tmp_path / "a.png"), np.zeros((16, 16), np.uint8)
    marks[2:5, 3:9] = np.arange(1, 7)  # as VisA's masks count their defects
    for index, stored in enumerate((marks, marks.astype(np.uint16), np.stack([marks * 0, marks, marks * 0], -1))):
        mask = sample(image, save(stored, tmp_path / f"mask{index}.png")).read_mask(16)
        assert mask.dtype == bool
        assert (mask == (marks > 0)).all()


def test_alpha_and_palette_of_a_mask_do_not_count_as_marks(tmp_path):
    image, marks = save(RAMP, tmp_path / "a.png"), np.zeros((16, 16), np.uint8)
    marks[4:8, 4:8] = 255
    opaque = np.stack([marks, marks, marks, np.full_like(marks, 255)], -1)
    assert (sample(image, save(opaque, tmp_path / "rgba.png")).read_mask(16) == (marks > 0)).all()
    palette = Image.fromarray((marks == 0).astype(np.uint8), "P")  # index 0 is white, index 1 black
    palette.putpalette([255, 255, 255, 0, 0, 0])
    palette.save(tmp_path / "palette.png")
    assert (sample(image, tmp_path / "palette.png").read_mask(16) == (marks > 0)).all()
    Image.fromarray(marks).convert("1").save(tmp_path / "one.png")
    assert (sample(image, tmp_path / "one.png").read_mask(16) == (marks > 0)).all()


def test_mask_is_resized_by_nearest_neighbour(tmp_path):
    marks = (np.random.default_rng(4).random((20, 20)) > 0.5).astype(np.uint8)
    image, mask = save(np.zeros((20, 20), np.uint8), tmp_path / "a.png"), save(marks, tmp_path / "m.png")
    expected = np.asarray(Image.fromarray(marks).resize((7, 7), Image.Resampling.NEAREST)) > 0
    assert (sample(image, mask).read_mask(7) == expected).all()


def test_real_masks_have_the_size_of_their_images_and_mark_something(mvtec_root):
    for defective in load_dataset("mvtec", mvtec_root, "bottle").select(label=1)[::8]:
        mask = defective.read_mask(56)
        assert mask.shape == (56, 56)
        assert 0 < mask.mean() < 1


def test_normal_image_has_an_empty_mask_and_an_unmarked_anomaly_none(tmp_path):
    image = save(RAMP, tmp_path / "a.png")
    assert not sample(image, None, label=0).read_mask(5).any()
    with pytest.raises(InputError, match=r"a\.png has no mask"):
        sample(image, None).read_mask(5)


def test_mask_of_another_size_is_refused_with_both_sizes_and_files(tmp_path):
    image, mask = save(RAMP, tmp_path / "a.png"), save(RAMP[:, :8], tmp_path / "m.png")
    with pytest.raises(InputError, match=r"m\.png is 8 x 16 pixels but its image .*a\.png is 16 x 16"):
        sample(image, mask).read_mask(8)


def test_mask_is_compared_with_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(RAMP[:, :8]).save(tmp_path / "turned.jpg", exif=exif)  # upright: 16 wide, 8 high
    fitting, lying = save(RAMP[:8], tmp_path / "fitting.png"), save(RAMP[:, :8], tmp_path / "lying.png")
    assert sample(tmp_path / "turned.jpg", fitting).read_mask(4).shape == (4, 4)
    with pytest.raises(InputError, match="is 16 x 8"):
        sample(tmp_path / "turned.jpg", lying).read_mask(4)


def test_damaged_mask_or_image_of_a_mask_is_refused_by_name(tmp_path):
    image, bad = save(RAMP, tmp_path / "a.png"), tmp_path / "bad.png"
    bad.write_bytes(image.read_bytes()[:30])
    for damaged in (sample(image, bad), sample(bad, image)):
        with pytest.raises(InputError, match=r"bad\.png"):
            damaged.read_mask(8)


def test_image_too_large_to_be_honest_is_refused_by_its_header(tmp_path, monkeypatch):
    image, mask = save(RAMP, tmp_path / "huge.png"), save(RAMP[:5, :5], tmp_path / "m.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"huge\.png is damaged or too large"):
        sample(image, mask).read_mask(4)


def test_masks_of_a_data_set_are_those_of_its_samples(tiny_mvtec):
    test = load_dataset("mvtec", tiny_mvtec).select(split="test")
    masks = test.masks(16)
    assert masks.shape == (8, 16, 16)
    assert masks.dtype == bool
    for mask, one in zip(masks, test, strict=True):
        assert (mask == one.read_mask(16)).all()
    np.testing.assert_array_equal(masks.any(axis=(1, 2)), test.labels == 1)
    assert test.select(split="train").masks(16).shape == (0, 16, 16)


def test_masks_are_none_if_any_is_missing_with_a_warning_if_others_are_there(tiny_mvtec):
    crack = tiny_mvtec / "nut/ground_truth/crack"
    (crack / "001_mask.png").unlink()
    with pytest.warns(UserWarning, match=r"1 anomalous image\(s\).*001\.png"):
        dataset = load_dataset("folder", tiny_mvtec)
    with pytest.warns(UserWarning, match=r"1 anomalous image\(s\) of category 'nut' have no mask \(first: .*001\.png"):
        assert dataset.masks(8) is None
    assert dataset.select(categories=["gear"]).masks(8).any()
    without = [replace(s, mask=None) for s in dataset]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_masks(without, 8) is None  # none at all, as in a data set without masks: no warning
        assert read_masks(dataset, 8, warn=False) is None
