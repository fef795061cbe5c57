"""Killing processes at random moments: SIGKILL, then a check of everything that is left on the disk.

    python -m gradbook.bench.faults --kills 240

Each kill hits a process that builds the feature cache, trains, writes results, saves a model or lets Snakemake make two
runs (tasks.py). After it, every file must be complete and no finished one lost; at the end, each task must give the
result that it gives without a kill. Snakemake gets a tenth of the kills, since it takes seconds to start. Writes
data/results/cost/faults.json; ends with an error at the first loss. POSIX only (it forks).
"""

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from tqdm import tqdm

from gradbook.bench.records import seconds_and_origin, write_measured
from gradbook.bench.tables import FAULTS, FAULTS_SCHEMA
from gradbook.bench.tasks import CachingTask, ResultsTask, SavingTask, SnakemakeTask, Task, TrainingTask
from gradbook.paths import results_folder

QUICK: dict[str, type[Task]] = {
    "cache": CachingTask,
    "training": TrainingTask,
    "results": ResultsTask,
    "model": SavingTask,
}
SLOW: dict[str, type[Task]] = {"runs by Snakemake": SnakemakeTask}


def run_in_own_group(task: Task) -> None:
    """Run the task silently in a child that leads its own process group, so the whole group can be killed."""
    os.setpgid(0, 0)
    # the default lock is shared with the parent, which would wait for a lock held by a killed child
    tqdm.set_lock(threading.RLock())
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    task.run()


def start(task: Task) -> BaseProcess:
    """A new process that runs the task."""
    process = multiprocessing.get_context("fork").Process(target=run_in_own_group, args=(task,))
    process.start()
    assert process.pid is not None
    os.setpgid(process.pid, process.pid)  # the parent sets it too, since a kill may come before the child does
    return process


def kill_repeatedly(task: Task, kills: int, moments: random.Random) -> dict[str, int]:
    """Kill the task `kills` times and check its files after each; raises AssertionError if anything is lost.

    Returns the numbers of kills, of kills beside a second process, and of checks that found the task finished.
    """
    began = time.perf_counter()
    undisturbed = start(task)
    undisturbed.join()
    longest = time.perf_counter() - began
    assert task.check(), "the task does not finish without a kill"
    counts = {"kills": 0, "two at once": 0, "finished between": 0}
    while counts["kills"] < kills:
        in_pairs = isinstance(task, CachingTask) and moments.random() < 0.5
        victim, *others = [start(task) for _ in range(2 if in_pairs else 1)]
        time.sleep(moments.uniform(0, longest))
        if victim.is_alive() and victim.pid is not None:
            os.killpg(victim.pid, signal.SIGKILL)
            counts["kills"] += 1
            counts["two at once"] += len(others)
        victim.join()
        for other in others:
            other.join()
            assert other.exitcode == 0, "the process beside the killed one failed"
        counts["finished between"] += task.check()
    task.run()
    assert task.check(), "the task does not finish after the last kill"
    return counts


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill every task, check its files and write the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=240, help="in total, over all tasks (default: 240)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    parser.add_argument("--out", type=Path, default=results_folder() / FAULTS, help="the record")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # before a fork, no thread may hold a lock
    moments, began, counts = random.Random(options.seed), time.perf_counter(), {}
    slow = options.kills // 10
    shares = dict.fromkeys(QUICK, -(-(options.kills - slow) // len(QUICK))) | dict.fromkeys(SLOW, slow)
    for name, kind in (QUICK | SLOW).items():
        with tempfile.TemporaryDirectory() as folder:
            counts[name] = kill_repeatedly(kind(Path(folder)), shares[name], moments)
        print(f"{name}: {counts[name]['kills']} kills, nothing lost")
    record = {"faults": FAULTS_SCHEMA, "works": counts, "seed": options.seed, **seconds_and_origin(began)}
    write_measured(options.out, record)
    print(f"{sum(task['kills'] for task in counts.values())} kills in total: {options.out} written")


if __name__ == "__main__":
    main()
