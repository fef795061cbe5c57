"""A few solar cells of ELPV and a GRAD that learns them in seconds, for the chapters on the two grids.

There are real tensors to look at; what the method can do when it is trained properly is the matter of
`gradbook.study.execution`.
A trained model is kept in the cache folder, so that the second chapter need not train it again.
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
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.files import cache_folder
from gradlib.model import GRAD
from gradlib.presets import preset_config, preset_training
from gradlib.standardise import channel_statistics, floored
from gradlib.fabric import make_fabric
from gradlib.train import fit

S, H = 224, 14  # pixels of a photograph and of its map, on each side


@dataclass(frozen=True)
class SmallExample:
    """Photographs and their features; "standardised" is in units of the training cells' spread."""

    backbone: Backbone
    normal: list[Sample]  # test cells, n of each class: all of the first class, then all of the second
    defective: list[Sample]  # likewise
    train: FeatureCache  # (N, C, H, W), normal cells, as the backbone gives them
    test: FeatureCache  # (4n, C, H, W) likewise: normal, then defective
    mean: Tensor  # (C, 1, 1), of each channel over the training cells
    std: Tensor  # (C, 1, 1)
    x_train: Tensor  # (N, C, H, W), standardised
    x_test: Tensor  # (4n, C, H, W), standardised

    def images(self, samples: Sequence[Sample]) -> Tensor:
        """What the backbone sees: (n, 3, S, S), grey values in [-1, 1] as its mean and deviation are one half."""
        arrays = [image_array(s.image, S, self.backbone.mean, self.backbone.std) for s in samples]
        return torch.from_numpy(np.stack(arrays))  # (n, 3, S, S)

    def features(self, images: Tensor) -> Tensor:
        """Images (n, 3, S, S), perhaps edited, to standardised features (n, C, H, W)."""
        return (self.backbone.features(images, map_size=H) - self.mean) / self.std


class Trained(NamedTuple):
    """A model and what was noted on its way."""

    model: GRAD  # in evaluation mode, on the CPU
    history: Tensor  # (epochs + 1, 4n, 2), v^g of the test cells: before training and after each epoch
    losses: list[float]  # mean loss of each epoch


def small_example(dataset: Dataset | None = None, *, train: int, test: int) -> SmallExample:
    """`train` normal cells of each class to learn, `test` normal and as many defective ones of each class to look at.

    dataset: ELPV unless another is given. Raises InputError if it has fewer of them.
    """
    dataset = load_dataset("elpv") if dataset is None else dataset
    network = load_backbone("tf_efficientnet_lite0")
    learnt = evenly(dataset.select(split="train", label=0), train)
    normal, defective = (evenly(dataset.select(split="test", label=label), test) for label in (0, 1))
    x_learnt, x_seen = (cached_features(samples, network, map_size=H) for samples in (learnt, normal + defective))
    mean, std = channel_statistics(x_learnt)  # (C,) each
    mean, std = mean[:, None, None], floored(std)[:, None, None]  # (C, 1, 1) each
    x_train, x_test = ((x[torch.arange(len(x))] - mean) / std for x in (x_learnt, x_seen))  # (_, C, H, W) each
    return SmallExample(network, normal, defective, x_learnt, x_seen, mean, std, x_train, x_test)


def evenly(dataset: Dataset, n: int) -> list[Sample]:
    """n samples of each class, evenly spaced, as neighbours look alike. Raises InputError if a class has fewer."""
    chosen: list[Sample] = []
    for category in dataset.categories:
        group = dataset.select(categories=[category])
        if not 1 <= n <= len(group):
            raise InputError(f"Class {category} has {len(group)} such images: ask for 1 to {len(group)}, not {n}.")
        chosen += [group[i * len(group) // n] for i in range(n)]
    return chosen


def train_small(example: SmallExample, *, epochs: int, seed: int, device: str = "auto") -> Trained:
    """The preset `lite`, trained on the example for some epochs; the same seed on the same machine gives the same."""
    fabric, how = make_fabric(device), preset_training("lite", epochs=epochs, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GRAD(preset_config("lite", (example.train.channels, H, H)))
    model.set_feature_statistics(example.mean.flatten(), example.std.flatten())
    content = hashlib.sha256(json.dumps([asdict(how), fabric.device.type, code_digest()]).encode())
    for x in (example.x_train, example.x_test):
        content.update(x.numpy().tobytes())
    path = cache_folder() / "examples" / f"{content.hexdigest()[:20]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return _kept(model, *load_tensors(path))
        history: list[Tensor] = []

        @torch.no_grad()
        def note_places(epoch: int) -> None:
            history.append(model.v_g(example.x_test.to(model.feature_mean.device)).cpu())  # (4n, 2)

        note_places(-1)
        losses = fit(model, example.train, how, fabric=fabric, after_epoch=note_places).losses
        trained = Trained(model.cpu(), torch.stack(history), losses)
        save_tensors(path, {**model.state_dict(), "history": trained.history}, {"losses": losses})
    return trained


def _kept(model: GRAD, tensors: dict[str, Tensor], settings: dict[str, list[float]]) -> Trained:
    """What an earlier call has left."""
    history = tensors.pop("history")
    model.load_state_dict(tensors)
    return Trained(model.eval(), history, settings["losses"])
