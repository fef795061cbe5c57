"""The settings of one experiment."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gradbook.paths import code_digest, runs_folder
from gradbook.study.methods.uniad import UNIAD_TRAINING
from gradlib.config import TrainConfig, changed
from gradlib.errors import InputError
from gradlib.presets import named_preset, preset_training
from gradlib.scores import check_protocol

TRAINED = ("grad", "uniad")  # by gradlib's own loop, on cached features
ANOMALIB = (
    "patchcore",
    "padim",
    "reverse_distillation",
    "draem",
)  # by anomalib's models, see gradbook.study.methods.anomalib_peers
METHODS = (*TRAINED, "knn", *ANOMALIB)


SETTINGS = ("unified", "separate")
OWN = "folder"  # the dataset of a reader's own photographs


@dataclass(frozen=True)
class Experiment:
    """The settings that determine a run; where the images lie and on which device it runs are not among them.

    Raises InputError for settings that mean nothing.
    """

    dataset: str = "elpv"
    categories: tuple[str, ...] = ()  # empty: all
    setting: str = "unified"  # one model for all classes, or "separate": one for each
    method: str = "grad"  # one of gradbook.study.experiment.METHODS
    backbone: str = "tf_efficientnet_lite0"
    preset: str = "lite"
    model: Mapping[str, Any] = field(default_factory=dict)  # fields of GradConfig that differ from the preset's
    train: Mapping[str, Any] = field(default_factory=dict)  # fields of TrainConfig likewise
    map_size: int | None = None  # H = W; None: the preset's
    epochs: int | None = None  # None: the preset's
    shots: int | None = None  # training images of each class, drawn by the seed; None: all
    seed: int = 0
    image_size: int = 224
    protocol: str = "paper"
    by_epoch: bool = False  # note the test score of each epoch: an exhibit, nothing is chosen by it

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            raise InputError(f'Setting "{self.setting}" is unknown: choose "unified" or "separate".')
        if self.method not in METHODS:
            raise InputError(f'Method "{self.method}" is unknown: choose one of {", ".join(METHODS)}.')
        if self.shots is not None and self.shots < 1:
            raise InputError(f"{self.shots} training images of each class are too few: give shots of 1 or more.")
        if min(self.image_size, self.size()) < 1:
            raise InputError(f"image_size={self.image_size}, map_size={self.map_size}: give at least 1 pixel, or None.")
        check_protocol(self.protocol)
        self.training()  # refuses unknown presets and fields before anything is computed

    def settings(self) -> dict[str, Any]:
        """As plain JSON types, with the preset's own values filled in."""
        filled = {"map_size": self.size(), "epochs": self.training().epochs}
        settings = {**asdict(self), "model": dict(self.model), "train": dict(self.train), **filled}
        return json.loads(json.dumps(settings))  # a tuple becomes a list, as in the record of a finished run

    def training(self) -> TrainConfig:
        """The method's schedule with this experiment's changes, epochs and seed."""
        base = UNIAD_TRAINING if self.method == "uniad" else preset_training(self.preset)
        base = changed(base, dict(self.train), "TRAINING")
        epochs = base.epochs if self.epochs is None else self.epochs
        return replace(base, epochs=epochs, seed=self.seed, drops=tuple(base.drops))

    def size(self) -> int:
        """H = W of the feature map."""
        return named_preset(self.preset).model.map_size[0] if self.map_size is None else self.map_size

    def default_folder(self, identity: str = "") -> Path:
        """A folder under runs/ for these settings and this very code: an edited library never meets an old run.

        identity: the fingerprint of data that may change under one name, such as a reader's own photographs.
        """
        digest = hashlib.sha256((json.dumps(self.settings()) + code_digest() + identity).encode()).hexdigest()
        what = self.preset if self.method == "grad" else self.method
        return runs_folder() / f"{self.dataset}-{self.setting}-{what}-seed{self.seed}-{digest[:10]}"
