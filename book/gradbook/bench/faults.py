"""What a killed process costs: SIGKILL at random moments, then everything that is left is read.

    python -m gradbook.bench.faults --kills 240

Each kill hits a process that builds the feature cache, trains, writes results, saves a model or lets Snakemake make
two runs (works.py); after it, all that can be read must be whole, nothing that was finished may be gone, and
at the end the work must have come out as without a kill. Snakemake gets a tenth of the kills, as each of its starts
takes seconds. Writes data/results/cost/faults.json and ends with an error at the first loss. POSIX only (it forks).
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
from datetime import UTC, datetime
from pathlib import Path

import torch
from tqdm import tqdm

from gradbook.bench.tables import FAULTS, FAULTS_SCHEMA
from gradbook.bench.works import Caching, Recording, Running, Saving, Training, Work
from gradbook.paths import results_folder
from gradbook.study.provenance import provenance
from gradbook.study.record import write_json

QUICK: dict[str, type[Work]] = {"cache": Caching, "training": Training, "results": Recording, "model": Saving}
SLOW: dict[str, type[Work]] = {"runs by Snakemake": Running}


def silently(work: Work) -> None:
    """The work in a child whose bars and words nobody wants, the first of a group that can be killed together."""
    os.setpgid(0, 0)
    # the default lock is shared with the parent, who would wait for one that a killed child holds
    tqdm.set_lock(threading.RLock())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    work.do()


def started(work: Work) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=silently, args=(work,))
    process.start()
    assert process.pid is not None
    os.setpgid(process.pid, process.pid)  # here too, as the child may not have come so far when it is killed
    return process


def torment(work: Work, kills: int, draw: random.Random) -> dict[str, int]:
    """Kill `work` so often, inspecting after each; how often it was killed, hit in two processes, and finished."""
    began = time.perf_counter()
    undisturbed = started(work)
    undisturbed.join()
    longest = time.perf_counter() - began
    assert work.inspect()
    found = {"kills": 0, "two at once": 0, "finished between": 0}
    while found["kills"] < kills:
        processes = [started(work) for _ in range(1 + (isinstance(work, Caching) and draw.random() < 0.5))]
        time.sleep(draw.uniform(0, longest))
        victim = processes[0]
        if victim.is_alive() and victim.pid is not None:
            os.killpg(victim.pid, signal.SIGKILL)
            found["kills"] += 1
            found["two at once"] += len(processes) - 1
        for process in processes:
            process.join()
        for survivor in processes[1:]:
            assert survivor.exitcode == 0, "the other process failed"
        found["finished between"] += work.inspect()
    work.do()
    assert work.inspect(), "the work did not end as without a kill"
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, inspect, count and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=240, help="in all, shared among the kinds of work (default: 240)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--out", type=Path, default=results_folder() / FAULTS, help="the record")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # before a fork, no thread may hold a lock
    draw, began, works = random.Random(given.seed), time.perf_counter(), {}
    slow = given.kills // 10
    shares = dict.fromkeys(QUICK, -(-(given.kills - slow) // len(QUICK))) | dict.fromkeys(SLOW, slow)
    for name, kind in (QUICK | SLOW).items():
        with tempfile.TemporaryDirectory() as folder:
            works[name] = torment(kind(Path(folder)), shares[name], draw)
        print(f"{name}: {works[name]['kills']} kills, nothing lost")
    record = {
        "faults": FAULTS_SCHEMA,
        "works": works,
        "seed": given.seed,
        "seconds": round(time.perf_counter() - began),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(torch.device("cpu")),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.out, record)
    print(f"{sum(work['kills'] for work in works.values())} kills in all: {given.out} written")


if __name__ == "__main__":
    main()
