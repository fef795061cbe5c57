"""The list of all runs behind the book's tables: data/plan.yaml expanded, and many of its runs made in one process.

    python -m gradlib.plan list                        every run and what stands in its way here
    python -m gradlib.plan run memories parts --workers 2
    python -m gradlib.plan notebook NAME               one run as executed chapter, runs/<name>/run.ipynb

Snakemake makes all of them by the last command (`Snakefile`, `make results`); each leaves data/results/<name>.json.
"""

import argparse
import importlib.util
import os
import shutil
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import yaml
from filelock import FileLock

from gradlib.backbones import weights_are_here
from gradlib.errors import InputError
from gradlib.experiment import Experiment, run
from gradlib.methods import ANOMALIB
from gradlib.paths import repository, results_folder, runs_folder
from gradlib.results import RESULTS, read_results
from gradlib.train import differences

ROOTS = {"mvtec": "GRAD_MVTEC", "visa": "GRAD_VISA"}  # environment variables that name the data's folder


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
        """Where its record belongs."""
        return results_folder() / f"{self.name}.json"

    def folder(self) -> Path:
        """Where it is made and, if it was killed, goes on from its checkpoint."""
        return runs_folder() / self.name

    def notebook(self) -> Path:
        """The training chapter as executed for this run; of a failed run the report."""
        return self.folder() / "run.ipynb"


def read_plan(path: Path | None = None) -> dict[str, Planned]:
    """All runs by name, in order; path: else GRAD_PLAN, else data/plan.yaml. Raises InputError if it is no plan."""
    path = path or Path(os.environ.get("GRAD_PLAN") or repository() / "data" / "plan.yaml")
    try:
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = [p for group, fields in plan["groups"].items() for p in expand(group, fields, plan)]
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no plan of runs ({error!r}): compare it with data/plan.yaml.") from error
    return {planned.name: planned for planned in found}


def expand(group: str, fields: Mapping[str, Any], plan: Mapping[str, Any]) -> list[Planned]:
    """The runs of one group: rows x seeds."""
    found = []
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
            found.append(
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
    return found


def data_root(dataset: str) -> str | None:
    """The folder of a dataset from the environment; None where it is not named or comes with a package."""
    return os.environ.get(ROOTS.get(dataset, ""), "") or None


def missing(planned: Planned) -> tuple[str, ...]:
    """What this machine lacks for a run, as words for a table: data, weights, anomalib, GPU."""
    experiment, lacking = planned.experiment, []
    if experiment.dataset in ROOTS:
        root = data_root(experiment.dataset)
        if not root or not all((Path(root) / category).is_dir() for category in experiment.categories):
            lacking.append("data")
    if experiment.method != "draem" and not weights_are_here(experiment.backbone):
        lacking.append("weights")
    if experiment.method in ANOMALIB and importlib.util.find_spec("anomalib") is None:
        lacking.append("anomalib")
    if "gpu" in planned.needs and not torch.cuda.is_available():
        lacking.append("GPU")
    return tuple(lacking)


def make(planned: Planned, device: str = "auto") -> str:
    """Make one run and its record; returns "made" or what went wrong, which runs/<name>/failed.txt keeps in full."""
    folder = planned.folder()
    failure = folder / "failed.txt"
    try:
        root = data_root(planned.experiment.dataset)
        run(planned.experiment, data_root=root, out=folder, device=device)
        keep(planned)
    except Exception as error:  # one failed run must not end the others
        folder.mkdir(parents=True, exist_ok=True)
        failure.write_text(traceback.format_exc(), encoding="utf-8")
        return f"failed, see {failure}: {error}"
    failure.unlink(missing_ok=True)
    return "made"


def keep(planned: Planned) -> None:
    """Copy a run's results.json into the ledger in one step. Raises InputError if another run's lies in its folder."""
    results, record = planned.folder() / RESULTS, planned.record()
    made, wanted = read_results(results)["experiment"], planned.experiment.settings()
    if made != wanted:
        names = ", ".join(differences(made, wanted)) or "settings"
        raise InputError(f"{results} is a run with other {names} than the plan's {planned.name}: delete its folder.")
    record.parent.mkdir(parents=True, exist_ok=True)
    part = record.with_name(record.name + ".part")
    shutil.copyfile(results, part)
    part.replace(record)


def parameters(planned: Planned, device: str = "auto") -> dict[str, Any]:
    """What the training chapter's cell of parameters must say to make this run."""
    experiment, root = planned.experiment, data_root(planned.experiment.dataset)
    same = ("dataset", "setting", "backbone", "preset", "seed", "by_epoch")
    return {
        **{name.upper(): getattr(experiment, name) for name in same},
        **{name.upper(): getattr(experiment, name) or 0 for name in ("map_size", "epochs", "shots")},
        "CATEGORIES": ",".join(experiment.categories),
        "MODEL": dict(experiment.model),
        "TRAINING": dict(experiment.train),
        "DATA_ROOT": str(Path(root).expanduser().resolve()) if root else "",
        "NEIGHBOURS": False,  # they have runs of their own
        "DEVICE": device,
        "OUT": str(planned.folder()),
    }


def make_notebook(planned: Planned, device: str = "auto") -> str:
    """Make one run by executing the training chapter with its parameters, and its record; returns as `make`.

    The chapter trains GRAD: other methods are run without it. A lock is waited for: a process that outlived its killed
    parent may still be at this very run.
    """
    import papermill  # an executed notebook is wanted here alone

    planned.folder().mkdir(parents=True, exist_ok=True)
    chapter = repository() / "book" / "03_training.ipynb"
    with FileLock(planned.folder() / "lock"):
        if planned.experiment.method != "grad":
            return make(planned, device)
        try:
            papermill.execute_notebook(chapter, planned.notebook(), parameters(planned, device), progress_bar=False)
            keep(planned)
        except papermill.PapermillExecutionError as error:
            return f"failed, see {planned.notebook()}: {error.ename}: {error.evalue}"
    return "made"


def make_all(wanted: Sequence[Planned], workers: int, device: str = "auto") -> int:
    """Make the runs without a record, in `workers` processes that share one feature cache; returns the failures."""
    todo = [planned for planned in wanted if not planned.record().exists()]
    print(f"{len(wanted) - len(todo)} of {len(wanted)} runs are recorded, {len(todo)} to make", flush=True)
    failures = 0
    threads = max(1, (os.cpu_count() or 1) // workers)
    # spawned: a forked process would inherit torch's threads and locks
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        running = {pool.submit(make, planned, device): planned for planned in todo}
        for number, done in enumerate(as_completed(running), start=1):
            outcome = done.result()
            failures += outcome != "made"
            print(f"{number}/{len(todo)} {running[done].name}: {outcome}", flush=True)
    return failures


def select(plan: Mapping[str, Planned], names: Sequence[str]) -> list[Planned]:
    """Runs by their names or by the beginning of them, such as a group. Raises InputError for a name that fits none."""
    chosen: dict[str, Planned] = {}
    for name in names:
        fitting = {k: p for k, p in plan.items() if k == name or k.startswith(f"{name}-")}
        if not fitting:
            groups = ", ".join(dict.fromkeys(p.group for p in plan.values()))
            raise InputError(f'The plan has no run "{name}": give the beginning of one, for example a group: {groups}.')
        chosen |= fitting
    return list(chosen.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: list or run."""
    parser = argparse.ArgumentParser(prog="python -m gradlib.plan", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every run and what it lacks here")
    runner = commands.add_parser("run", help="make runs that are missing in data/results")
    runner.add_argument("names", nargs="+", help="runs, or the beginning of their names")
    runner.add_argument("--workers", type=int, default=1, help="processes that work side by side")
    notebook = commands.add_parser("notebook", help="make one run as an executed notebook")
    notebook.add_argument("name")
    for command in (runner, notebook):
        command.add_argument("--device", default="auto")
    chosen = parser.parse_args(arguments)
    try:
        plan = read_plan()
        if chosen.command == "list":
            for planned in plan.values():
                state = "recorded" if planned.record().exists() else ", ".join(missing(planned)) or "possible"
                print(f"{planned.name}: {state}")
            return 0
        if chosen.command == "notebook":
            if chosen.name not in plan:
                raise InputError(f'The plan has no run "{chosen.name}": `list` shows all names.')
            outcome = make_notebook(plan[chosen.name], chosen.device)
            print(f"{chosen.name}: {outcome}", flush=True)
            return int(outcome != "made")
        return 1 if make_all(select(plan, chosen.names), chosen.workers, chosen.device) else 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
