"""One experiment from photographs to results.json; the training chapter and every table run this and nothing else."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from gradlib.backbones import Backbone, load_backbone
from gradlib.checkpoint import save_model
from gradlib.data import Dataset, load_dataset
from gradlib.errors import InputError
from gradlib.evaluation import measure
from gradlib.evidence import evidence
from gradlib.methods import METHODS, Part, Scored, changed, score_part
from gradlib.metrics import Metric
from gradlib.paths import code_digest, runs_folder
from gradlib.presets import UNIAD_TRAINING, named_preset, preset_training
from gradlib.results import RESULTS, Scores, metric_table, peak_memory, provenance, read_results, write_run
from gradlib.scores import check_protocol
from gradlib.shares import few, hold_out
from gradlib.train import TrainConfig, differences, make_fabric

__all__ = ["Experiment", "run"]

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
    method: str = "grad"  # one of gradlib.methods.METHODS
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


@dataclass
class Clock:
    """Seconds by name of what was done."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 2)


@dataclass(frozen=True)
class Outcome:
    """What one part yields."""

    scored: Scored
    metrics: dict[str, dict[str, Metric]]
    evidence: dict[str, dict[str, Any]]
    scores: Scores


def run(
    experiment: Experiment, *, data_root: str | Path | None = None, out: str | Path | None = None, device: str = "auto"
) -> Path:
    """Train, score and measure; returns the folder, which then holds results.json, scores.npz and the model(s).

    A finished run with the same settings is returned as it is, a killed one goes on where it stopped. Raises InputError
    for anything in settings or data that cannot be used, and if `out` holds a run with other settings.
    """
    dataset = load_dataset(experiment.dataset, data_root, experiment.categories or None)
    identity = dataset.fingerprint()
    own = identity if experiment.dataset == OWN else ""
    folder = Path(out).expanduser().resolve() if out else experiment.default_folder(own)
    if is_finished(folder, experiment, identity):
        return folder
    fabric, clock = make_fabric(device), Clock()
    with clock("total"):
        parts = split_into_parts(dataset, experiment)
        backbone = load_backbone(experiment.backbone)
        outcomes = [run_part(part, experiment, backbone, dataset, fabric, clock, folder, identity) for part in parts]
    if fabric.global_rank == 0:
        record = make_record(experiment, dataset, identity, parts, outcomes, backbone, fabric, clock)
        write_run(folder, record, join_scores([o.scores for o in outcomes]))
        for part in parts:  # not sooner: a run that is killed in its last part goes on there
            checkpoint_of(part, folder).unlink(missing_ok=True)
    fabric.barrier()
    return folder


def is_finished(folder: Path, experiment: Experiment, identity: str) -> bool:
    """Whether `folder` holds this run's results. Raises InputError if it holds another run's."""
    if not (folder / RESULTS).exists():
        return False
    record = read_results(folder)
    saved = {**record["experiment"], "data": record["data"]["fingerprint"]}
    wanted = {**experiment.settings(), "data": identity}
    if saved != wanted:
        names = ", ".join(differences(saved, wanted)) or "settings"
        raise InputError(f"{folder} holds a finished run with other {names}: choose another OUT or delete that folder.")
    return True


def split_into_parts(dataset: Dataset, experiment: Experiment) -> list[Part]:
    """One part for all classes or one each. Raises InputError if a class has nothing to test on.

    Only in a reader's own folder may normal test images be missing: some of the normals are then held out for them.
    """
    if dataset.name == OWN:
        dataset = hold_out(dataset, experiment.seed)
    unified = experiment.setting == "unified"
    groups = [dataset.categories] if unified else [(category,) for category in dataset.categories]
    parts = []
    for group in groups:
        chosen = dataset.select(categories=group)
        train = chosen.select(split="train", label=0).samples
        if experiment.shots is not None:
            train = few(train, experiment.shots, experiment.seed)
        test = chosen.select(split="test").samples
        if not test:
            raise InputError(
                f"{dataset.root} has no test image of {', '.join(group)}: add test/good and test/<defect> folders."
            )
        parts.append(Part("all" if unified else group[0], train, test))
    return parts


def run_part(
    part: Part, experiment: Experiment, backbone: Backbone, dataset: Dataset, fabric: Fabric, clock: Clock,
    folder: Path, identity: str,
) -> Outcome:  # fmt: skip
    """Train and score one model, measure it, and keep it."""
    scored = score_part(part, experiment, backbone, fabric, clock, checkpoint_of(part, folder), identity)
    how = experiment.image_size, experiment.protocol
    with clock("measuring"):
        metrics, score = measure(scored.d, part.test, *how, score=scored.score)
        found = evidence(scored.d, score, part.test, *how, channels=scored.squared_units)
    if fabric.global_rank == 0 and scored.model is not None:
        name = "model.safetensors" if part.name == "all" else f"model-{part.name}.safetensors"
        save_model(folder / name, scored.model, model_settings(experiment, backbone))
    scores = Scores(
        image=np.array([s.image.relative_to(dataset.root).as_posix() for s in part.test]),
        category=np.array([s.category for s in part.test]),
        defect=np.array([s.defect for s in part.test]),
        label=np.array([s.label for s in part.test]),
        score=score,
        d=scored.d.numpy(),
    )
    return Outcome(scored, metrics, found, scores)


def checkpoint_of(part: Part, folder: Path) -> Path:
    """Where the state of a part's training lies until the whole run has its results."""
    return folder / f"checkpoint-{part.name}.safetensors"


def join_scores(parts: Sequence[Scores]) -> Scores:
    """The parts' rows one after another."""
    return Scores(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Scores.__dataclass_fields__})


def model_settings(experiment: Experiment, backbone: Backbone) -> dict[str, Any]:
    """What somebody needs beside the weights to use the model on a photograph."""
    return {
        "experiment": experiment.settings(),
        "backbone": backbone.identity(),
        "mean": list(backbone.mean),
        "std": list(backbone.std),
    }


def make_record(
    experiment: Experiment, dataset: Dataset, identity: str, parts: Sequence[Part], outcomes: Sequence[Outcome],
    backbone: Backbone, fabric: Fabric, clock: Clock,
) -> dict[str, Any]:  # fmt: skip
    """The results' JSON: the numbers first, then everything they depend on."""
    trained = [s.category for part in parts for s in part.train]
    tested = [s.category for part in parts for s in part.test]
    return {
        **metric_table({k: v for o in outcomes for k, v in o.metrics.items()}),
        "evidence": {k: v for o in outcomes for k, v in o.evidence.items()},
        "experiment": experiment.settings(),
        "train": asdict(experiment.training()),
        "model": outcomes[0].scored.size,
        "backbone": backbone.identity(),
        "data": {
            "fingerprint": identity,
            "counts": {c: {"train": trained.count(c), "test": tested.count(c)} for c in dataset.categories},
        },
        "losses": [[round(loss, 6) for loss in o.scored.losses] for o in outcomes],
        "by_epoch": [o.scored.by_epoch for o in outcomes],
        "processes": fabric.world_size,
        "seconds": clock.seconds,
        "peak_memory": peak_memory(fabric.device),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(fabric.device),
    }
