"""What a killed process costs: SIGKILL at random moments, then everything that is left is read.

    python -m benchmarks.faults --kills 240

Each kill hits a process that builds the feature cache, trains, writes results or saves a model; after it, all that
can be read must be whole, nothing that was finished may be gone, and at the end the work must have come out as without
a kill. Writes data/results/cost/faults.json and ends with an error at the first loss. POSIX only (it forks).
"""

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gradlib.backbones import load_backbone
from gradlib.cache import cached_features
from gradlib.checkpoint import load_tensors, save_model
from gradlib.data.samples import Sample
from gradlib.model import GRAD, GradConfig
from gradlib.paths import results_folder
from gradlib.results import Scores, provenance, read_results, read_scores, write_json, write_run
from gradlib.speed import FAULTS, FAULTS_SCHEMA
from gradlib.train import TrainConfig, fit, make_fabric

TINY = GradConfig(channels=8, map_size=(4, 4), fusion="slim", blocks=1, width=8, standardise=True)
TRAINING = TrainConfig(epochs=60, batch_size=8)


class Work(ABC):
    """Something that takes a while and leaves files in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    @abstractmethod
    def do(self) -> None:
        """All of it, or what is still to be done of it."""

    @abstractmethod
    def inspect(self) -> bool:
        """Read what is there: AssertionError or InputError if anything is not whole; whether all is done."""


class Caching(Work):
    """Features of drawn photographs, asked for by two processes at once half of the time."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        draw, self.samples = np.random.default_rng(0), []
        for number in range(48):
            image = folder / "images" / f"{number:02}.png"
            image.parent.mkdir(exist_ok=True)
            Image.fromarray(draw.integers(0, 256, (64, 64, 3), np.uint8)).save(image)
            self.samples.append(Sample(image, f"class {number % 3}", "train", 0, "good", None))
        self.backbone = load_backbone(pretrained=False)
        self.expected = self.features(folder / "undisturbed")

    def features(self, folder: Path) -> Tensor:
        cache = cached_features(self.samples, self.backbone, image_size=64, map_size=4, batch_size=4, folder=folder)
        return cache[torch.arange(len(self.samples))]

    def do(self) -> None:
        self.features(self.folder / "cache")

    def inspect(self) -> bool:
        whole = len(list((self.folder / "cache").glob("*.json")))
        if whole == 3:  # one file a class: what is there is read, not computed
            torch.testing.assert_close(self.features(self.folder / "cache"), self.expected, rtol=0, atol=0)
            for file in (self.folder / "cache").iterdir():
                file.unlink()
        return whole == 3


class Training(Work):
    """A model trained with a checkpoint after each epoch."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.x = torch.randn(24, 8, 4, 4, generator=torch.Generator().manual_seed(0))
        self.expected, self.epochs = self.trained(None).state_dict(), 0

    def trained(self, checkpoint: Path | None) -> GRAD:
        torch.manual_seed(0)
        model = GRAD(TINY)
        with redirect_stderr(StringIO()):  # a bar for each of hundreds of runs
            fit(model, self.x, TRAINING, fabric=make_fabric("cpu"), checkpoint=checkpoint)
        return model

    def do(self) -> None:
        self.trained(self.folder / "state.safetensors")

    def inspect(self) -> bool:
        state = self.folder / "state.safetensors"
        if not state.exists():
            assert self.epochs == 0, "a checkpoint is gone"
            return False
        _, settings = load_tensors(state)
        done = len(settings["log"]["losses"])
        assert done >= self.epochs, f"{self.epochs} epochs were done, {done} are left"
        self.epochs = done
        if done < TRAINING.epochs:
            return False
        for name, weights in self.trained(state).state_dict().items():
            torch.testing.assert_close(weights, self.expected[name], rtol=0, atol=0)
        state.unlink()
        self.epochs = 0
        return True


class Recording(Work):
    """Results and scores, written again and again, each time with the next number."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.last = 0

    def do(self) -> None:
        for number in range(self.last + 1, self.last + 400):
            values = np.full(500, number, np.float32)
            scores = Scores(**dict.fromkeys(Scores.__dataclass_fields__, values))
            write_run(self.folder / "run", {"number": number, "values": [number] * 500}, scores)

    def inspect(self) -> bool:
        if not (self.folder / "run" / "results.json").exists():
            assert self.last == 0, "the results are gone"
            return False
        record, scores = read_results(self.folder / "run"), read_scores(self.folder / "run")
        assert record["number"] >= self.last, "older results came back"
        assert set(record["values"]) == {record["number"]}
        for values in vars(scores).values():
            assert set(values) <= {record["number"], record["number"] + 1}, "scores are mixed"
        self.last = record["number"]
        return True


class Saving(Work):
    """A model's file, written again and again."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.model, self.begun = GRAD(TINY), False

    def do(self) -> None:
        for number in range(1, 400):
            for parameter in self.model.parameters():
                parameter.data.fill_(number)
            save_model(self.folder / "model.safetensors", self.model, {"number": number})

    def inspect(self) -> bool:
        file = self.folder / "model.safetensors"
        if not file.exists():
            assert not self.begun, "the model is gone"
            return False
        self.begun = True
        tensors, settings = load_tensors(file)
        assert all(bool((tensors[name] == settings["number"]).all()) for name, _ in self.model.named_parameters())
        return True


WORKS: dict[str, type[Work]] = {"cache": Caching, "training": Training, "results": Recording, "model": Saving}


def silently(work: Work) -> None:
    """The work in a child whose bars and words nobody wants."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    work.do()


def started(work: Work) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=silently, args=(work,))
    process.start()
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
            os.kill(victim.pid, signal.SIGKILL)
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
    for name, kind in WORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            works[name] = torment(kind(Path(folder)), -(-given.kills // len(WORKS)), draw)
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
