"""All runs behind the book's tables: data/plan.yaml expanded. gradbook.study.runs makes them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gradbook.paths import repository, results_folder, runs_folder
from gradbook.study.experiment import Experiment
from gradlib.data.readers import data_root
from gradlib.errors import InputError


@dataclass(frozen=True)
class Planned:
    """One run of the plan."""

    name: str
    group: str
    row: str
    title: str  # of its group
    table: str | None  # of the paper
    paper: tuple[float, float] | None  # image and pixel AUROC that the paper reports, percent
    needs: tuple[str, ...]
    experiment: Experiment

    def record(self) -> Path:
        """The path of its record."""
        return results_folder() / f"{self.name}.json"

    def folder(self) -> Path:
        """The folder in which it runs and, after a kill, resumes from its checkpoint."""
        return runs_folder() / self.name

    def notebook(self) -> Path:
        """The training chapter as executed for this run; after a failure, its report."""
        return self.folder() / "run.ipynb"


def read_plan(path: Path | None = None) -> dict[str, Planned]:
    """All runs by name, in order; from `path`, else GRAD_PLAN, else data/plan.yaml.

    Raises InputError if the file is not a plan.
    """
    path = path or Path(os.environ.get("GRAD_PLAN") or repository() / "data" / "plan.yaml")
    try:
        return expanded(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a plan of runs ({error!r}): compare it with data/plan.yaml.") from error


@cache
def expanded(text: str) -> dict[str, Planned]:
    """All runs of a plan's text by name; cached, because a page of tables reads the plan dozens of times."""
    plan = yaml.safe_load(text)
    runs = [p for group, fields in plan["groups"].items() for p in expand(group, fields, plan)]
    return {planned.name: planned for planned in runs}


def expand(group: str, fields: Mapping[str, Any], plan: Mapping[str, Any]) -> list[Planned]:
    """The runs of one group: rows x seeds."""
    runs = []
    for row, own in fields["rows"].items():
        layers = (plan["defaults"], plan["data"][fields["data"]], fields, own)
        merged = {key: value for layer in layers for key, value in layer.items()}
        for changes in ("model", "train"):  # a row adds to its group's changes, it does not replace them
            merged[changes] = {k: v for layer in layers for k, v in layer.get(changes, {}).items()}
        merged["categories"] = tuple(sorted(merged.get("categories", ())))
        settings = {name: merged[name] for name in Experiment.__dataclass_fields__ if name in merged}
        paper = own.get("paper")
        for seed in merged["seeds"]:
            experiment = Experiment(**{**settings, "seed": seed})
            runs.append(
                Planned(
                    name=f"{group}-{row}-seed{seed}",
                    group=group,
                    row=row,
                    title=fields["title"],
                    table=str(fields["table"]) if fields.get("table") else None,
                    paper=tuple(paper) if paper else None,
                    needs=tuple(merged.get("needs", ())),
                    experiment=experiment,
                )
            )
    return runs


def chapter_parameters(planned: Planned, device: str = "auto") -> dict[str, Any]:
    """The parameters with which the training chapter makes this run."""
    root = data_root(planned.experiment.dataset)
    return {
        **planned.experiment.to_parameters(),
        "DATA_ROOT": str(Path(root).expanduser().resolve()) if root else "",
        "NEIGHBOURS": False,  # they have runs of their own
        "DEVICE": device,
        "OUT": str(planned.folder()),
    }


def select(plan: Mapping[str, Planned], names: Sequence[str]) -> list[Planned]:
    """Runs by their names or by the beginning of them, such as a group. Raises InputError for a name that fits none."""
    selected: dict[str, Planned] = {}
    for name in names:
        fitting = {k: p for k, p in plan.items() if k == name or k.startswith(f"{name}-")}
        if not fitting:
            groups = ", ".join(dict.fromkeys(p.group for p in plan.values()))
            raise InputError(f'The plan has no run "{name}": give the beginning of one, for example a group: {groups}.')
        selected |= fitting
    return list(selected.values())
