"""Making the runs of the plan: many in one process, or one as an executed notebook; both leave the same records.

    python -m gradbook.study.runs list                        every run and what stands in its way here
    python -m gradbook.study.runs run memories parts --workers 2
    python -m gradbook.study.runs notebook NAME               one run as executed chapter, runs/<name>/run.ipynb

Snakemake makes all of them by the last command (`Snakefile`, `make results`); each leaves data/results/<name>.json.
"""

import argparse
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import torch
from filelock import FileLock

from gradbook.paths import repository
from gradbook.study.catalogue import METHODS
from gradbook.study.execution import run
from gradbook.study.needs import missing
from gradbook.study.plan import Planned, chapter_parameters, read_plan, select
from gradbook.study.record import RESULTS, read_results
from gradlib.config import differing_fields
from gradlib.errors import InputError
from gradlib.files import replace_file


def make(planned: Planned, device: str = "auto") -> str:
    """Make one run and its record; returns "made" or what went wrong, which runs/<name>/failed.txt keeps in full."""
    folder = planned.folder()
    failure = folder / "failed.txt"
    try:
        run(planned.experiment, out=folder, device=device)
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
        names = ", ".join(differing_fields(made, wanted)) or "settings"
        raise InputError(f"{results} is a run with other {names} than the plan's {planned.name}: delete its folder.")
    record.parent.mkdir(parents=True, exist_ok=True)
    part = record.with_name(record.name + ".part")
    shutil.copyfile(results, part)
    replace_file(part, record)


def make_notebook(planned: Planned, device: str = "auto") -> str:
    """Make one run by executing the training chapter with its parameters, and its record; returns as `make`.

    The chapter trains GRAD: other methods are run without it. A lock is waited for: a process that outlived its killed
    parent may still be at this very run.
    """
    import papermill  # an executed notebook is wanted here alone

    planned.folder().mkdir(parents=True, exist_ok=True)
    chapter = repository() / "book" / "09_training.ipynb"
    with FileLock(planned.folder() / "lock"):
        if not METHODS[planned.experiment.method].in_chapter:
            return make(planned, device)
        try:
            papermill.execute_notebook(chapter, planned.notebook(), chapter_parameters(planned, device), progress_bar=False)
            keep(planned)
        except papermill.PapermillExecutionError as error:
            return f"failed, see {planned.notebook()}: {error.ename}: {error.evalue}"
    return "made"


def make_all(wanted: Sequence[Planned], workers: int, device: str = "auto") -> int:
    """Make the runs without a record, in `workers` processes that share one feature cache; returns the failures.

    Raises InputError for fewer than 1 worker.
    """
    if workers < 1:
        raise InputError(f"{workers} processes cannot make a run: give --workers 1 or more.")
    todo = [planned for planned in wanted if not planned.record().exists()]
    print(f"{len(wanted) - len(todo)} of {len(wanted)} runs are recorded, {len(todo)} to make", flush=True)
    failures = 0
    threads = max(1, (os.cpu_count() or 1) // workers)
    # spawned: a forked process would inherit torch's threads and locks
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        running = {pool.submit(make, planned, device): planned for planned in todo}
        for number, done in enumerate(as_completed(running), start=1):
            outcome = done.result() if done.exception() is None else f"failed, its process ended: {done.exception()}"
            failures += outcome != "made"
            print(f"{number}/{len(todo)} {running[done].name}: {outcome}", flush=True)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0 when all is made, 1 after a failed run, 2 for a request that cannot be met."""
    parser = argparse.ArgumentParser(prog="python -m gradbook.study.runs", description=__doc__)
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
