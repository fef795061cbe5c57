"""A few solar cells of ELPV and a GRAD that is trained on them in seconds, for the chapters on the two grids.

The trained model stays in the cache folder, so that the second chapter need not train it again. Full training runs are
in `gradbook.study.execution`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from gradbook.paths import code_digest
from gradlib.checkpoint import load_tensors, save_tensors
from gradlib.data.images import image_array
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset, Sample
from gradlib.errors import InputError
from gradlib.fabric import make_fabric
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.files import cache_folder
from gradlib.model import GRAD
from gradlib.presets import preset_config, preset_training
from gradlib.standardise import channel_statistics, in_units, safe_std
from gradlib.train import fit

S, H = 224, 14  # pixels of an image and of its map, along each axis


@dataclass(frozen=True)
class SmallExample:
    """Images and their features; standardised means (x - mean) / std of the training cells, channel by channel."""

    backbone: Backbone
    normal: list[Sample]  # test cells, n of each category, one category after the other
    defective: list[Sample]  # as many, in the same order
    train: FeatureCache  # (N, C, H, W), normal cells, raw
    test: FeatureCache  # (4n, C, H, W), raw: normal, then defective
    mean: Tensor  # (C, 1, 1), of each channel over the training cells
    std: Tensor  # (C, 1, 1)
    x_train: Tensor  # (N, C, H, W), standardised
    x_test: Tensor  # (4n, C, H, W), standardised

    def images(self, samples: Sequence[Sample]) -> Tensor:
        """The backbone's input (n, 3, S, S): grey values in [-1, 1], since its mean and deviation are one half."""
        arrays = [image_array(s.image, S, self.backbone.mean, self.backbone.std) for s in samples]
        return torch.from_numpy(np.stack(arrays))  # (n, 3, S, S)

    def features(self, images: Tensor) -> Tensor:
        """Standardised features (n, C, H, W) of images (n, 3, S, S)."""
        return in_units(self.backbone.features(images, map_size=H), self.mean.flatten(), self.std.flatten())


class Trained(NamedTuple):
    """A trained model, its loss, and the global coordinates of the test cells during training."""

    model: GRAD  # in evaluation mode, on the CPU
    history: Tensor  # (epochs + 1, 4n, 2), v^g of the test cells: before training and after each epoch
    losses: list[float]  # mean loss of each epoch


def small_example(dataset: Dataset | None = None, *, train: int, test: int) -> SmallExample:
    """`train` normal training cells of each category, and `test` normal and `test` defective test cells of each.

    dataset: by default ELPV. Raises InputError if it has fewer images.
    """
    dataset = load_dataset("elpv") if dataset is None else dataset
    backbone = load_backbone("tf_efficientnet_lite0")
    training = evenly(dataset.select(split="train", label=0), train)
    normal, defective = (evenly(dataset.select(split="test", label=label), test) for label in (0, 1))
    raw_train = cached_features(training, backbone, map_size=H)
    raw_test = cached_features(normal + defective, backbone, map_size=H)
    mean, std = channel_statistics(raw_train)  # (C,) each
    std = safe_std(std)
    x_train, x_test = (in_units(x[torch.arange(len(x))], mean, std) for x in (raw_train, raw_test))  # (_, C, H, W)
    units = mean[:, None, None], std[:, None, None]  # (C, 1, 1) each
    return SmallExample(backbone, normal, defective, raw_train, raw_test, *units, x_train, x_test)


def evenly(dataset: Dataset, n: int) -> list[Sample]:
    """n samples of each category, evenly spaced because neighbours look alike.

    Raises InputError if a category has fewer.
    """
    samples: list[Sample] = []
    for category in dataset.categories:
        group = dataset.select(categories=[category])
        if not 1 <= n <= len(group):
            raise InputError(f"Category {category} has {len(group)} such images: ask for 1 to {len(group)}, not {n}.")
        samples += [group[i * len(group) // n] for i in range(n)]
    return samples


def train_small(example: SmallExample, *, epochs: int, seed: int, device: str = "auto") -> Trained:
    """Train the preset `lite` on the example; on one machine the result depends on the seed alone.

    device: as in `gradlib.fabric.make_fabric`. A result in the cache folder is returned without training.
    """
    fabric, config = make_fabric(device), preset_training("lite", epochs=epochs, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GRAD(preset_config("lite", (example.train.channels, H, H)))
    content = hashlib.sha256(json.dumps([asdict(config), fabric.device.type, code_digest()]).encode())
    for x in (example.x_train, example.x_test):
        content.update(x.numpy().tobytes())
    path = cache_folder() / "examples" / f"{content.hexdigest()[:20]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return _restored(model, *load_tensors(path))
        history: list[Tensor] = []

        @torch.no_grad()
        def record_coordinates(epoch: int) -> None:
            history.append(model.v_g(example.x_test.to(model.feature_mean.device)).cpu())  # (4n, 2)

        record_coordinates(-1)
        losses = fit(model, example.train, config, fabric=fabric, after_epoch=record_coordinates).losses
        trained = Trained(model.cpu(), torch.stack(history), losses)
        save_tensors(path, {**model.state_dict(), "history": trained.history}, {"losses": losses})
    return trained


def _restored(model: GRAD, tensors: dict[str, Tensor], header: dict[str, list[float]]) -> Trained:
    """The result of an earlier call, from its file."""
    history = tensors.pop("history")
    model.load_state_dict(tensors)
    return Trained(model.eval(), history, header["losses"])
