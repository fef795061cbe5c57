"""Changes of images are as documented, and features of images in memory equal those of their files."""

import numpy as np
import pytest
import torch
from PIL import Image

from gradbook.analysis import photo_changes
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import load_backbone
from gradlib.features.cache import cached_features


@pytest.fixture
def image() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_a_change_of_strength_zero_changes_nothing(image: Image.Image) -> None:
    for same in (
        photo_changes.darker(image, 0),
        photo_changes.blurred(image, 0),
        photo_changes.shifted(image, 0),
    ):
        assert np.array_equal(pixels(same), pixels(image))
    assert np.array_equal(pixels(photo_changes.pasted(image, image, (5, 5), 10)), pixels(image))


def test_darker_scales_every_level(image: Image.Image) -> None:
    assert np.abs(pixels(photo_changes.darker(image, 0.3)) - 0.7 * pixels(image)).max() <= 0.5
    assert pixels(photo_changes.darker(image.convert("L"), 1.0)).max() == 0


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_shift_moves_right_and_down_and_repeats_the_edge(image: Image.Image, mode: str) -> None:
    before = pixels(image.convert(mode))
    after = pixels(photo_changes.shifted(image.convert(mode), 3))
    assert after.shape == before.shape
    assert np.array_equal(after[3:, 3:], before[:-3, :-3])
    assert np.array_equal(after[:3, 3:], np.repeat(before[:1, :-3], 3, axis=0))


def test_turning_is_a_quarter_anticlockwise_and_mirroring_exchanges_left_and_right(image: Image.Image) -> None:
    assert np.array_equal(pixels(photo_changes.turned(image)), np.rot90(pixels(image)))
    assert np.array_equal(pixels(photo_changes.mirrored(image)), pixels(image)[:, ::-1])


def test_compression_loses_detail_but_neither_mode_nor_size_and_a_blur_smooths(image: Image.Image) -> None:
    saved = photo_changes.compressed(image, 40)
    assert (saved.mode, saved.size) == (image.mode, image.size)
    assert not np.array_equal(pixels(saved), pixels(image))
    assert pixels(photo_changes.blurred(image, 2)).std() < pixels(image).std()


def test_only_the_square_is_pasted_or_fades(image: Image.Image) -> None:
    black = Image.new("RGB", image.size)
    inside = np.zeros((40, 40), bool)
    inside[6:16, 4:14] = True  # rows, columns
    both = pixels(photo_changes.pasted(image, black, (4, 6), 10))
    assert np.array_equal(both[~inside], pixels(image)[~inside])
    assert both[inside].max() == 0
    assert np.array_equal(pixels(photo_changes.faded(image, 1.0, (4, 6), 10)), both)
    with pytest.raises(InputError, match="of the same size"):
        photo_changes.pasted(image, black.resize((20, 20)), (0, 0), 5)


def test_features_in_memory_are_those_of_the_files(image: Image.Image, tmp_path) -> None:
    backbone = load_backbone(pretrained=False)
    image.save(tmp_path / "a.png")
    sample = Sample(tmp_path / "a.png", "a", "test", 0, "good", None)
    on_disk = cached_features([sample], backbone, image_size=64, map_size=4, folder=tmp_path / "cache")
    in_memory = photo_changes.features_of([image], backbone, image_size=64, map_size=4)
    torch.testing.assert_close(in_memory, on_disk[[0]], rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="at least one"):
        photo_changes.features_of([], backbone, map_size=4)
