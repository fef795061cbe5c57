"""One experiment from images to results.json; the training chapter and every table run this and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.study.evidence import evidence
from gradbook.study.experiment import OWN, Experiment
from gradbook.study.methods.base import Job, Part, Scored
from gradbook.study.methods.dispatch import score_part
from gradbook.study.provenance import peak_memory, provenance
from gradbook.study.record import RESULTS, Scores, read_results, write_run
from gradlib.checkpoint import save_model
from gradlib.config import differing_fields
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Dataset
from gradlib.data.splits import choose_shots, hold_out
from gradlib.errors import InputError
from gradlib.fabric import make_fabric
from gradlib.features.backbones import load_backbone
from gradlib.metrics.evaluation import mean_over_categories, measure
from gradlib.metrics.ranking import METRIC_NAMES, Metric


@dataclass(frozen=True)
class Outcome:
    """The results of one part."""

    scored: Scored
    metrics: dict[str, dict[str, Metric]]
    evidence: dict[str, dict[str, Any]]
    scores: Scores


def run(
    experiment: Experiment, *, data_root: str | Path | None = None, out: str | Path | None = None, device: str = "auto"
) -> Path:
    """Train, score and measure; returns the folder, which then holds results.json, scores.npz and the model(s).

    A finished run with the same settings is returned as it is; a killed one resumes. Raises InputError for settings or
    data that cannot be used, and if `out` holds a run with other settings.
    """
    dataset = load_dataset(experiment.dataset, data_root, experiment.categories or None)
    fingerprint = dataset.fingerprint()
    own = fingerprint if experiment.dataset == OWN else ""
    folder = Path(out).expanduser().resolve() if out else experiment.default_folder(own)
    if is_finished(folder, experiment, fingerprint):
        return folder
    job = Job(experiment, dataset, fingerprint, load_backbone(experiment.backbone), make_fabric(device), folder)
    with job.clock("total"):
        parts = split_into_parts(dataset, experiment)
        outcomes = [run_part(part, job) for part in parts]
    if job.fabric.global_rank == 0:
        write_run(folder, make_record(job, parts, outcomes), join_scores([o.scores for o in outcomes]))
        for part in parts:  # only now: a run that is killed in its last part resumes there
            job.checkpoint(part).unlink(missing_ok=True)
    job.fabric.barrier()
    return folder


def is_finished(folder: Path, experiment: Experiment, fingerprint: str) -> bool:
    """Whether `folder` holds this run's results. Raises InputError if it holds those of another run."""
    if not (folder / RESULTS).exists():
        return False
    record = read_results(folder)
    saved = {**record["experiment"], "data": record["data"]["fingerprint"]}
    expected = {**experiment.settings(), "data": fingerprint}
    if saved != expected:
        names = ", ".join(differing_fields(saved, expected)) or "settings"
        raise InputError(f"{folder} holds a finished run with other {names}: choose another OUT or delete that folder.")
    return True


def split_into_parts(dataset: Dataset, experiment: Experiment) -> list[Part]:
    """One part for all categories, or one for each. Raises InputError if a part has nothing to test on.

    Only a reader's own folder may lack normal test images: some of its normals are then held out for the test.
    """
    if dataset.name == OWN:
        dataset = hold_out(dataset, experiment.seed)
    unified = experiment.setting == "unified"
    groups = [dataset.categories] if unified else [(category,) for category in dataset.categories]
    parts = []
    for group in groups:
        of_group = dataset.select(categories=group)
        train = of_group.select(split="train", label=0)
        if experiment.shots is not None:
            train = choose_shots(train, experiment.shots, experiment.seed)
        test = of_group.select(split="test")
        if not test:
            raise InputError(
                f"{dataset.root} has no test image of {', '.join(group)}: add test/good and test/<defect> folders."
            )
        parts.append(Part("all" if unified else group[0], train, test))
    return parts


def run_part(part: Part, job: Job) -> Outcome:
    """Train and score one model, measure it, and save it."""
    size, protocol = job.experiment.image_size, job.experiment.protocol
    scored = score_part(part, job)
    with job.clock("measuring"):
        metrics, score = measure(scored.d, part.test, size, protocol, score=scored.score)
        statistics = evidence(scored.d, score, part.test, size, protocol, channels=scored.squared_units)
    if job.fabric.global_rank == 0 and scored.model is not None:
        name = "model.safetensors" if part.name == "all" else f"model-{part.name}.safetensors"
        save_model(job.folder / name, scored.model, model_settings(job))
    scores = Scores(
        image=np.array([s.image.relative_to(job.dataset.root).as_posix() for s in part.test]),
        category=np.array([s.category for s in part.test]),
        defect=np.array([s.defect for s in part.test]),
        label=np.array([s.label for s in part.test]),
        score=score,
        d=scored.d.numpy(),
    )
    return Outcome(scored, metrics, statistics, scores)


def join_scores(parts: Sequence[Scores]) -> Scores:
    """The rows of all parts, one part after another."""
    return Scores(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Scores)})


def model_settings(job: Job) -> dict[str, Any]:
    """The settings that applying the model to an image needs besides the weights."""
    return {
        "experiment": job.experiment.settings(),
        "backbone": job.backbone.identity(),
        "mean": list(job.backbone.mean),
        "std": list(job.backbone.std),
    }


def make_record(job: Job, parts: Sequence[Part], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The results' JSON: the numbers first, then everything they depend on."""
    trained = [s.category for part in parts for s in part.train]
    tested = [s.category for part in parts for s in part.test]
    categories = job.dataset.categories
    return {
        **metric_table({k: v for o in outcomes for k, v in o.metrics.items()}),
        "evidence": {k: v for o in outcomes for k, v in o.evidence.items()},
        "experiment": job.experiment.settings(),
        "train": asdict(job.experiment.training()),
        "model": outcomes[0].scored.size,
        "backbone": job.backbone.identity(),
        "data": {
            "fingerprint": job.fingerprint,
            "counts": {c: {"train": trained.count(c), "test": tested.count(c)} for c in categories},
        },
        "losses": [[round(loss, 6) for loss in o.scored.losses] for o in outcomes],
        "by_epoch": [o.scored.by_epoch for o in outcomes],
        "processes": job.fabric.world_size,
        "seconds": job.clock.seconds,
        "peak_memory": peak_memory(job.fabric.device),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(job.fabric.device),
    }


def metric_table(per_category: Mapping[str, Mapping[str, Metric]]) -> dict[str, Any]:
    """Values by category and their mean, and the reason for each undefined one."""
    mean = mean_over_categories(per_category)
    table = {**per_category, "mean": mean}
    return {
        "classes": {name: {m: metrics[m].value for m in METRIC_NAMES} for name, metrics in per_category.items()},
        "mean": {m: mean[m].value for m in METRIC_NAMES},
        "undefined": {
            name: {m: metrics[m].reason for m in METRIC_NAMES if metrics[m].value is None}
            for name, metrics in table.items()
            if any(metrics[m].value is None for m in METRIC_NAMES)
        },
    }
