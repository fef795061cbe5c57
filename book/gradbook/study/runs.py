"""Make the runs of the plan: many in one process, or one as an executed notebook; both write the same records.

    python -m gradbook.study.runs list                        every run and what is missing for it here
    python -m gradbook.study.runs run memories parts --workers 2
    python -m gradbook.study.runs notebook NAME               one run as an executed chapter, runs/<name>/run.ipynb

Snakemake calls the last command for each (`Snakefile`, `make results`); each run writes data/results/<name>.json.
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
    """Make one run and its record; returns "made" or the error, whose traceback goes to runs/<name>/failed.txt."""
    folder = planned.folder()
    failure = folder / "failed.txt"
    try:
        run(planned.experiment, out=folder, device=device)
        record_run(planned)
    except Exception as error:  # one failed run must not end the others
        folder.mkdir(parents=True, exist_ok=True)
        failure.write_text(traceback.format_exc(), encoding="utf-8")
        return f"failed, see {failure}: {error}"
    failure.unlink(missing_ok=True)
    return "made"


def record_run(planned: Planned) -> None:
    """Copy a run's results.json to data/results in one step. Raises InputError if it is from another run."""
    results, record = planned.folder() / RESULTS, planned.record()
    made, expected = read_results(results)["experiment"], planned.experiment.settings()
    if made != expected:
        names = ", ".join(differing_fields(made, expected)) or "settings"
        raise InputError(f"{results} is from a run with other {names} than {planned.name}: delete its folder.")
    record.parent.mkdir(parents=True, exist_ok=True)
    part = record.with_name(record.name + ".part")
    shutil.copyfile(results, part)
    replace_file(part, record)


def make_notebook(planned: Planned, device: str = "auto") -> str:
    """Make one run by executing the training chapter with its parameters, and its record; returns as `make`.

    Methods that the chapter does not train are run without it. The lock is for a process that outlived its killed
    parent and may still be making this run.
    """
    import papermill  # needed for notebooks only, and slow to import

    planned.folder().mkdir(parents=True, exist_ok=True)
    chapter = repository() / "book" / "09_training.ipynb"
    with FileLock(planned.folder() / "lock"):
        if not METHODS[planned.experiment.method].in_chapter:
            return make(planned, device)
        try:
            parameters = chapter_parameters(planned, device)
            papermill.execute_notebook(chapter, planned.notebook(), parameters, progress_bar=False)
            record_run(planned)
        except papermill.PapermillExecutionError as error:
            return f"failed, see {planned.notebook()}: {error.ename}: {error.evalue}"
    return "made"


def make_all(selected: Sequence[Planned], workers: int, device: str = "auto") -> int:
    """Make the runs without a record, in `workers` processes that share one feature cache; returns the failures.

    Raises InputError for fewer than 1 worker.
    """
    if workers < 1:
        raise InputError(f"{workers} processes cannot make a run: give --workers 1 or more.")
    todo = [planned for planned in selected if not planned.record().exists()]
    print(f"{len(selected) - len(todo)} of {len(selected)} runs are recorded, {len(todo)} to make", flush=True)
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
    """The command line; returns 0 if all runs are made, 1 after a failed run, 2 for an impossible request."""
    parser = argparse.ArgumentParser(prog="python -m gradbook.study.runs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every run and what is missing for it here")
    runner = commands.add_parser("run", help="make runs that are missing in data/results")
    runner.add_argument("names", nargs="+", help="runs, or the beginning of their names")
    runner.add_argument("--workers", type=int, default=1, help="processes that work side by side")
    notebook = commands.add_parser("notebook", help="make one run as an executed notebook")
    notebook.add_argument("name")
    for command in (runner, notebook):
        command.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    try:
        plan = read_plan()
        if options.command == "list":
            for planned in plan.values():
                state = "recorded" if planned.record().exists() else ", ".join(missing(planned)) or "possible"
                print(f"{planned.name}: {state}")
            return 0
        if options.command == "notebook":
            if options.name not in plan:
                raise InputError(f'The plan has no run "{options.name}": `list` shows all names.')
            outcome = make_notebook(plan[options.name], options.device)
            print(f"{options.name}: {outcome}", flush=True)
            return int(outcome != "made")
        return 1 if make_all(select(plan, options.names), options.workers, options.device) else 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
