"""The settings of one experiment, and the same settings as parameters of the training chapter."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gradbook.paths import code_digest, runs_folder
from gradbook.study.catalogue import named_method
from gradlib.config import TrainConfig, check_protocol, replace_fields
from gradlib.errors import InputError
from gradlib.presets import named_preset, preset_training

SETTINGS = ("unified", "separate")
OWN = "folder"  # the dataset of a reader's own photographs
# parameters of the training chapter that are fields as they stand, and those for which 0 means None
AS_THEY_ARE = ("dataset", "setting", "backbone", "preset", "seed", "by_epoch")
ZERO_FOR_NONE = ("map_size", "epochs", "shots")


@dataclass(frozen=True)
class Experiment:
    """The settings that determine a run; the folder of the images and the device are not among them.

    Raises InputError for settings that are unknown or impossible.
    """

    dataset: str = "elpv"
    categories: tuple[str, ...] = ()  # empty: all
    setting: str = "unified"  # one model for all categories, or "separate": one for each
    method: str = "grad"  # one of gradbook.study.catalogue.METHODS
    backbone: str = "tf_efficientnet_lite0"
    preset: str = "lite"
    model: Mapping[str, Any] = field(default_factory=dict)  # fields of GradConfig that differ from the preset's
    train: Mapping[str, Any] = field(default_factory=dict)  # fields of TrainConfig likewise
    map_size: int | None = None  # H = W; None: the preset's
    epochs: int | None = None  # None: the preset's
    shots: int | None = None  # training images of each category, drawn by the seed; None: all
    seed: int = 0
    image_size: int = 224
    protocol: str = "paper"
    by_epoch: bool = False  # record the test score of each epoch; nothing is chosen by it

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            raise InputError(f'Setting "{self.setting}" is unknown: choose "unified" or "separate".')
        named_method(self.method)
        if self.shots is not None and self.shots < 1:
            raise InputError(f"{self.shots} training images of each category are too few: set shots to 1 or more.")
        if min(self.image_size, self.side()) < 1:
            raise InputError(f"image_size={self.image_size}, map_size={self.map_size}: give at least 1 pixel, or None.")
        check_protocol(self.protocol)
        self.training()  # refuses unknown presets and fields before anything is computed

    def settings(self) -> dict[str, Any]:
        """As plain JSON types, with the preset's own values filled in."""
        filled = {"map_size": self.side(), "epochs": self.training().epochs}
        settings = {**asdict(self), "model": dict(self.model), "train": dict(self.train), **filled}
        return json.loads(json.dumps(settings))  # a tuple becomes a list, as in the record of a finished run

    def training(self) -> TrainConfig:
        """The method's schedule with this experiment's changes, epochs and seed."""
        base = named_method(self.method).schedule or preset_training(self.preset)
        base = replace_fields(base, dict(self.train), "TRAINING")
        epochs = base.epochs if self.epochs is None else self.epochs
        return replace(base, epochs=epochs, seed=self.seed, drops=tuple(base.drops))

    def side(self) -> int:
        """H = W of the feature map."""
        return named_preset(self.preset).model.map_size[0] if self.map_size is None else self.map_size

    def default_folder(self, identity: str = "") -> Path:
        """A folder under runs/ named after these settings and the code, so that edited code never reuses old results.

        identity: the fingerprint of data that may change under one name, such as a reader's own photographs.
        """
        digest = hashlib.sha256((json.dumps(self.settings()) + code_digest() + identity).encode()).hexdigest()
        label = self.preset if self.method == "grad" else self.method
        return runs_folder() / f"{self.dataset}-{self.setting}-{label}-seed{self.seed}-{digest[:10]}"

    def to_parameters(self) -> dict[str, Any]:
        """The settings as the training chapter's cell of parameters takes them."""
        return {
            **{name.upper(): getattr(self, name) for name in AS_THEY_ARE},
            **{name.upper(): getattr(self, name) or 0 for name in ZERO_FOR_NONE},
            "CATEGORIES": ",".join(self.categories),
            "MODEL": dict(self.model),
            "TRAINING": dict(self.train),
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> "Experiment":
        """The experiment that a cell of parameters describes; other names in the mapping are ignored."""
        fields: dict[str, Any] = {name: parameters[name.upper()] for name in AS_THEY_ARE}
        fields |= {name: parameters[name.upper()] or None for name in ZERO_FOR_NONE}
        categories = tuple(name.strip() for name in parameters["CATEGORIES"].split(",") if name.strip())
        return cls(**fields, categories=categories, model=parameters["MODEL"], train=parameters["TRAINING"])
