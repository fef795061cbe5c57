"""One experiment from photographs to results.json; the training chapter and every table run this and nothing else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from gradbook.study.evidence import evidence
from gradbook.study.experiment import OWN, Experiment
from gradbook.study.methods.base import Clock, Part, Scored
from gradbook.study.methods.dispatch import score_part
from gradbook.study.provenance import peak_memory, provenance
from gradbook.study.record import RESULTS, Scores, metric_table, read_results, write_run
from gradlib.checkpoint import save_model
from gradlib.config import differences
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset
from gradlib.data.splits import few, hold_out
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.metrics.evaluation import measure
from gradlib.metrics.ranking import Metric
from gradlib.train import make_fabric


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
