"""The feature cache: right features, computed once, never incomplete, and one sentence if it cannot be stored."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from conftest import write_tiny_mvtec
from gradlib.data.images import image_array
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, FeatureExtractor, load_backbone
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.features.store import FeatureJob
from gradlib.standardise import channel_statistics

IMAGE_SIZE, MAP_SIZE = 64, 4


class Counting:
    """A backbone's `features` that counts the images it is given and can spoil them."""

    def __init__(self, backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images = 0
        self.factor = torch.ones(())
        self._compute = backbone.features
        monkeypatch.setattr(backbone, "features", self.features)

    def features(self, images: Tensor, map_size: int) -> Tensor:
        self.images += len(images)
        return self._compute(images, map_size) * self.factor


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("test_resnet", pretrained=False)


@pytest.fixture
def counting(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(backbone, monkeypatch)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Six training images of two classes, the classes taking turns."""
    return six_samples(tmp_path_factory.mktemp("images"))


def six_samples(root: Path) -> list[Sample]:
    write_tiny_mvtec(root, size=IMAGE_SIZE)
    files = [root / name / "train/good" / f"{index:03d}.png" for index in range(3) for name in ("gear", "nut")]
    return [Sample(file, file.parents[2].name, "train", 0, "good", None) for file in files]


class PatchMeans:
    """Somebody's own extractor, no part of timm: a power of the mean colour of each patch."""

    name, channels, mean, std = "patch means", 3, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)

    def __init__(self, power: int = 1) -> None:
        self.power, self.images, self.device = power, 0, torch.device("meta")

    def features(self, images: Tensor, map_size: int) -> Tensor:
        self.images += len(images)
        return F.adaptive_avg_pool2d(images, map_size) ** self.power  # (B, 3, H, H)

    def identity(self) -> dict[str, object]:
        return {"name": self.name, "power": self.power}

    def to(self, device: torch.device) -> None:
        self.device = device


def cached(samples: Sequence[Sample], backbone: FeatureExtractor, folder: Path, dtype: str = "float32") -> FeatureCache:
    return cached_features(
        samples, backbone, image_size=IMAGE_SIZE, map_size=MAP_SIZE, dtype=dtype, batch_size=2, folder=folder
    )


def direct(samples: Sequence[Sample], backbone: FeatureExtractor) -> Tensor:
    images = [image_array(sample.image, IMAGE_SIZE, backbone.mean, backbone.std) for sample in samples]
    return backbone.features(torch.from_numpy(np.stack(images)), MAP_SIZE)


def job(samples: list[Sample], backbone: Backbone) -> FeatureJob:
    return FeatureJob(samples, backbone, IMAGE_SIZE, MAP_SIZE, "float32", torch.device("cpu"), 2)


def everything(cache: FeatureCache) -> Tensor:
    return cache[range(len(cache))]


def test_cache_holds_the_features_of_the_samples_in_their_order(
    samples: list[Sample], backbone: Backbone, tmp_path: Path
) -> None:
    cache = cached(samples, backbone, tmp_path)
    expected = direct(samples, backbone)
    assert (len(cache), cache.channels, cache.shape) == (6, backbone.channels, tuple(expected.shape))
    torch.testing.assert_close(everything(cache), expected, rtol=1e-4, atol=1e-5)


def test_lookup_takes_lists_arrays_tensors_and_masks_and_gives_a_copy(
    samples: list[Sample], backbone: Backbone, tmp_path: Path
) -> None:
    cache = cached(samples, backbone, tmp_path)
    features = everything(cache)
    mask = np.array([True, False, False, True, False, False])
    for index in ([5, 0, 5], np.array([5, 0, 5]), torch.tensor([5, 0, 5]), [-1, 0, -1]):
        assert torch.equal(cache[index], features[[5, 0, 5]])
    assert torch.equal(cache[mask], features[[0, 3]])
    assert cache[[]].shape == (0, *cache.shape[1:])
    cache[[2]].fill_(7)
    assert torch.equal(everything(cache), features)
    with pytest.raises(IndexError):
        cache[[6]]
    with pytest.raises(TypeError, match="list of sample numbers, not 3"):
        cache[3]


def test_features_are_computed_once_and_found_wherever_the_images_lie(
    samples: list[Sample], backbone: Backbone, counting: Counting, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    features = everything(cached(samples, backbone, folder))
    assert counting.images == 6
    moved = six_samples(tmp_path / "elsewhere")
    assert torch.equal(everything(cached(moved, backbone, folder)), features)
    by_class = [0, 2, 4, 1, 3, 5]
    assert torch.equal(everything(cached([moved[n] for n in by_class], backbone, folder)), features[by_class])
    nuts = [sample for sample in samples if sample.category == "nut"]  # a class alone shares the file of all classes
    assert torch.equal(everything(cached(nuts, backbone, folder)), features[1::2])
    assert counting.images == 6


def test_key_changes_with_everything_that_determines_the_features(samples: list[Sample], backbone: Backbone) -> None:
    base = job(samples[:2], backbone)
    others = [
        replace(base, samples=samples[1::-1]),
        replace(base, samples=samples[:1]),
        replace(base, image_size=96),
        replace(base, map_size=5),
        replace(base, dtype="float16"),
        replace(base, backbone=load_backbone("test_resnet", pretrained=False, stages=(2,))),
        replace(base, backbone=load_backbone("test_efficientnet", pretrained=False)),
    ]
    assert len({base.key, *(other.key for other in others)}) == 1 + len(others)
    assert replace(base, batch_size=1).key == base.key


def test_keys_of_timm_s_networks_are_those_of_the_caches_on_disk(samples: list[Sample], backbone: Backbone) -> None:
    identity = [backbone.name, list(backbone.stages), backbone.weights_id]
    assert job(samples[:1], backbone).recipe["backbone"] == identity


def test_any_network_with_the_interface_and_any_data_set_can_be_cached(tmp_path: Path) -> None:
    dataset = load_dataset("mvtec", write_tiny_mvtec(tmp_path / "images", size=IMAGE_SIZE)).select(split="train")
    own = PatchMeans()
    features = everything(cached(dataset, own, tmp_path))
    torch.testing.assert_close(features, direct(dataset, PatchMeans()))
    assert (features.shape, own.images, own.device.type) == ((8, 3, MAP_SIZE, MAP_SIZE), 8, "cpu")
    again, squares = PatchMeans(), PatchMeans(power=2)
    assert torch.equal(everything(cached(dataset, again, tmp_path)), features)
    assert again.images == 0
    torch.testing.assert_close(everything(cached(dataset, squares, tmp_path)), features**2)
    assert squares.images == 8


def test_key_changes_with_one_byte_of_an_image_and_with_the_weights(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = six_samples(tmp_path)
    before = job(samples, backbone).key
    content = samples[3].image.read_bytes()
    samples[3].image.write_bytes(content + b"\0")  # after the end of the PNG: the same picture, another file
    assert job(samples, backbone).key != before
    samples[3].image.write_bytes(content)
    assert job(samples, backbone).key == before
    monkeypatch.setattr(backbone, "weights_id", "others")
    assert job(samples, backbone).key != before


def test_float16_cache_is_half_the_size_and_close(samples: list[Sample], backbone: Backbone, tmp_path: Path) -> None:
    halves = cached(samples[:1], backbone, tmp_path, dtype="float16")
    assert next(tmp_path.glob("*.npy")).stat().st_size < 2 * halves[[0]].numel() + 256
    assert halves[[0]].dtype == torch.float32
    torch.testing.assert_close(halves[[0]], direct(samples[:1], backbone), rtol=5e-4, atol=1e-7)


def test_cache_lies_in_grad_cache(
    samples: list[Sample], backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path))
    cached_features(samples[:1], backbone, image_size=IMAGE_SIZE, map_size=MAP_SIZE)
    assert len(list((tmp_path / "features").glob("*.npy"))) == 1


@pytest.mark.parametrize(("factor", "dtype", "cause"), [(torch.nan, "float32", "check"), (1e9, "float16", "float32")])
def test_features_that_are_not_finite_are_refused_naming_the_image(
    factor: float, dtype: str, cause: str, samples: list[Sample], backbone: Backbone, counting: Counting, tmp_path: Path
) -> None:
    counting.factor = torch.ones(2, 1, 1, 1)
    counting.factor[1] = factor
    with pytest.raises(InputError, match=f"features of {samples[2].image} are not all finite; .*{cause}"):
        cached([samples[0], samples[2]], backbone, tmp_path, dtype)
    assert not list(tmp_path.glob("*.part"))


def test_damaged_image_is_named_and_the_categories_before_it_are_stored(
    backbone: Backbone, counting: Counting, tmp_path: Path
) -> None:
    samples = six_samples(tmp_path / "images")
    content = samples[5].image.read_bytes()
    samples[5].image.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=str(samples[5].image)):
        cached(samples, backbone, tmp_path / "cache")
    computed = counting.images
    samples[5].image.write_bytes(content)
    cached(samples, backbone, tmp_path / "cache")
    assert counting.images == computed + 3  # the second class only


def test_nonsense_requests_are_refused(samples: list[Sample], backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images to compute features of"):
        cached([], backbone, tmp_path)
    with pytest.raises(InputError, match="dtype='bfloat16'"):
        cached(samples, backbone, tmp_path, dtype="bfloat16")
    with pytest.raises(InputError, match="map_size=0"):
        cached_features(samples, backbone, map_size=0, folder=tmp_path)


def test_features_do_not_depend_on_the_callers_precision(
    samples: list[Sample], backbone: Backbone, tmp_path: Path
) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cache = cached(samples[:1], backbone, tmp_path)
    torch.testing.assert_close(everything(cache), direct(samples[:1], backbone), rtol=1e-4, atol=1e-5)


def test_channel_statistics_are_those_of_numpy() -> None:
    draw = np.random.default_rng(7)
    features = (1000 + draw.standard_normal((70, 5, 3, 3))).astype(np.float32)  # float32 sums would lose the deviation
    features[:, 4] = 2
    cache = FeatureCache([features[:40], features[40:]], np.array([(n // 40, n % 40) for n in range(70)]))
    mean, std = channel_statistics(cache)
    np.testing.assert_allclose(mean, features.mean((0, 2, 3), dtype=np.float64), rtol=1e-7)
    np.testing.assert_allclose(std, features.astype(np.float64).std((0, 2, 3)), rtol=1e-6)
    assert std[4] == 0
