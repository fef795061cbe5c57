"""One experiment from photographs to results.json; the training chapter and every table run this and nothing else."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from gradlib.backbones import Backbone, load_backbone
from gradlib.cache import FeatureCache, cached_features, channel_statistics
from gradlib.checkpoint import save_model
from gradlib.data import Dataset, Sample, load_dataset
from gradlib.errors import InputError
from gradlib.evaluation import distances, measure
from gradlib.knn import PatchMemory
from gradlib.metrics import Metric
from gradlib.model import GRAD
from gradlib.paths import repository, runs_folder
from gradlib.presets import complexity, named_preset, preset_config, preset_training
from gradlib.results import RESULTS, Scores, metric_table, peak_memory, provenance, read_results, write_run
from gradlib.train import TrainConfig, TrainLog, differences, epoch_generator, fit, make_fabric

SETTINGS = ("unified", "separate")


@dataclass(frozen=True)
class Experiment:
    """The settings that determine a run; where the images lie and on which device it runs are not among them."""

    dataset: str = "elpv"
    categories: tuple[str, ...] = ()  # empty: all
    setting: str = "unified"  # one model for all classes, or "separate": one for each
    backbone: str = "tf_efficientnet_lite0"
    preset: str = "lite"
    map_size: int | None = None  # H = W; None: the preset's
    epochs: int | None = None  # None: the preset's
    seed: int = 0
    image_size: int = 224
    protocol: str = "paper"

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            raise InputError(f'Setting "{self.setting}" is unknown: choose "unified" or "separate".')

    def settings(self) -> dict[str, Any]:
        """As plain JSON types, with the preset's own values filled in."""
        training = self.training()
        filled = {"map_size": self.size(), "epochs": training.epochs, "categories": list(self.categories)}
        return {**asdict(self), **filled}

    def training(self) -> TrainConfig:
        """The preset's schedule with this experiment's epochs and seed."""
        return preset_training(self.preset, epochs=self.epochs, seed=self.seed)

    def size(self) -> int:
        """H = W of the feature map."""
        return self.map_size or named_preset(self.preset).model.map_size[0]

    def default_folder(self) -> Path:
        """A folder under runs/ for these settings and this very code: an edited library never meets an old run."""
        code = hashlib.sha256()
        for path in sorted((repository() / "gradlib").rglob("*.py")):
            code.update(path.read_bytes())
        digest = hashlib.sha256((json.dumps(self.settings()) + code.hexdigest()).encode()).hexdigest()
        return runs_folder() / f"{self.dataset}-{self.setting}-{self.preset}-seed{self.seed}-{digest[:10]}"


@dataclass
class Clock:
    """Seconds by name of what was done."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 2)


@dataclass(frozen=True)
class Part:
    """One model's share of an experiment: all classes (unified) or one (separate)."""

    name: str
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]


@dataclass(frozen=True)
class Outcome:
    """What one part yields."""

    metrics: dict[str, dict[str, Metric]]
    knn_metrics: dict[str, dict[str, Metric]]
    scores: Scores
    log: TrainLog
    model: GRAD
    entries: int


def run(
    experiment: Experiment, *, data_root: str | Path | None = None, out: str | Path | None = None, device: str = "auto"
) -> Path:
    """Train, score and measure; returns the folder, which then holds results.json, scores.npz and the model(s).

    A finished run with the same settings is returned as it is, a killed one goes on where it stopped. Raises InputError
    for anything in settings or data that cannot be used, and if `out` holds a run with other settings.
    """
    folder = Path(out).expanduser().resolve() if out else experiment.default_folder()
    dataset = load_dataset(experiment.dataset, data_root, experiment.categories or None)
    identity = dataset.fingerprint()
    if is_finished(folder, experiment, identity):
        return folder
    fabric, clock = make_fabric(device), Clock()
    with clock("total"):
        parts = split_into_parts(dataset, experiment.setting)
        backbone = load_backbone(experiment.backbone)
        outcomes = [run_part(part, experiment, backbone, dataset, fabric, clock, folder, identity) for part in parts]
    if fabric.global_rank == 0:
        record = make_record(experiment, dataset, identity, outcomes, backbone, fabric, clock)
        write_run(folder, record, join_scores([o.scores for o in outcomes]))
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
        names = ", ".join(differences(saved, wanted))
        raise InputError(f"{folder} holds a finished run with other {names}: choose another OUT or delete that folder.")
    return True


def split_into_parts(dataset: Dataset, setting: str) -> list[Part]:
    """One part for all classes or one each. Raises InputError if a class has nothing to test on."""
    groups = [dataset.categories] if setting == "unified" else [(category,) for category in dataset.categories]
    parts = []
    for group in groups:
        chosen = dataset.select(categories=group)
        train = chosen.select(split="train", label=0).samples
        test = chosen.select(split="test").samples
        if not test:
            raise InputError(
                f"{dataset.root} has no test image of {', '.join(group)}: add test/good and test/<defect> folders."
            )
        parts.append(Part("all" if setting == "unified" else group[0], train, test))
    return parts


def run_part(
    part: Part, experiment: Experiment, backbone: Backbone, dataset: Dataset, fabric: Fabric, clock: Clock,
    folder: Path, identity: str,
) -> Outcome:  # fmt: skip
    """Features, training, scoring, and the same for the nearest-neighbour memory."""
    sizes = {"image_size": experiment.image_size, "map_size": experiment.size(), "device": fabric.device}
    how = experiment.image_size, experiment.protocol
    with clock("features"):
        train = cached_features(part.train, backbone, **sizes)  # type: ignore[arg-type]
        test = cached_features(part.test, backbone, **sizes)  # type: ignore[arg-type]
    with clock("training"):
        model = new_model(experiment, train)
        state = folder / f"checkpoint-{part.name}.safetensors"
        log = fit(model, train, experiment.training(), fabric=fabric, checkpoint=state, identity=identity)
    with clock("scoring"):
        d = distances(model, test, fabric.device)
        metrics, score = measure(d, part.test, *how)
    with clock("knn"):
        memory = PatchMemory(model.feature_mean, model.feature_std).fit(train, seed=experiment.seed)
        knn_d = memory.distance(test)
        knn_metrics, knn_score = measure(knn_d, part.test, *how)
    if fabric.global_rank == 0:
        name = "model.safetensors" if part.name == "all" else f"model-{part.name}.safetensors"
        save_model(folder / name, model, model_settings(experiment, backbone))
        state.unlink(missing_ok=True)
    scores = Scores(
        image=np.array([s.image.relative_to(dataset.root).as_posix() for s in part.test]),
        category=np.array([s.category for s in part.test]),
        defect=np.array([s.defect for s in part.test]),
        label=np.array([s.label for s in part.test]),
        score=score,
        d=d.numpy(),
        knn_score=knn_score,
        knn_d=knn_d.numpy(),
    )
    return Outcome(metrics, knn_metrics, scores, log, model, len(memory.entries))


def new_model(experiment: Experiment, train: FeatureCache) -> GRAD:
    """An untrained model for these features; its weights depend on the seed alone."""
    config = preset_config(experiment.preset, channels=train.channels, map_size=train.shape[2:])
    with torch.random.fork_rng():
        torch.manual_seed(epoch_generator(experiment.seed, 0, "weights").initial_seed())
        model = GRAD(config)
    if config.standardise:
        model.set_feature_statistics(*channel_statistics(train))
    return model


def join_scores(parts: Sequence[Scores]) -> Scores:
    """The parts' rows one after another."""
    return Scores(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Scores.__dataclass_fields__})


def model_settings(experiment: Experiment, backbone: Backbone) -> dict[str, Any]:
    """What somebody needs beside the weights to use the model on a photograph."""
    return {
        "experiment": experiment.settings(),
        "backbone": {"name": backbone.name, "stages": list(backbone.stages), "weights": backbone.weights_id},
        "mean": list(backbone.mean),
        "std": list(backbone.std),
    }


def make_record(
    experiment: Experiment, dataset: Dataset, identity: str, outcomes: Sequence[Outcome], backbone: Backbone,
    fabric: Fabric, clock: Clock,
) -> dict[str, Any]:  # fmt: skip
    """The results' JSON: the numbers first, then everything they depend on."""
    size = complexity(outcomes[0].model)
    grad = metric_table({k: v for o in outcomes for k, v in o.metrics.items()})
    knn = metric_table({k: v for o in outcomes for k, v in o.knn_metrics.items()})
    counts = {
        c: {s: len(dataset.select(categories=[c], split=s).samples) for s in ("train", "test")}
        for c in dataset.categories
    }
    return {
        **grad,
        "knn": {**knn, "entries": sum(o.entries for o in outcomes)},
        "experiment": experiment.settings(),
        "train": asdict(experiment.training()),
        "model": {**outcomes[0].model.config.to_dict(), "parameters": size.parameters, "flops": size.flops},
        "backbone": {"name": backbone.name, "stages": list(backbone.stages), "weights": backbone.weights_id},
        "data": {"fingerprint": identity, "counts": counts},
        "losses": [[round(loss, 6) for loss in o.log.losses] for o in outcomes],
        "processes": fabric.world_size,
        "seconds": clock.seconds,
        "peak_memory": peak_memory(fabric.device),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(fabric.device),
    }
