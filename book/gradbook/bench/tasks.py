"""The tasks that `gradbook.bench.faults` kills: each writes files and can check whether they are complete."""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from torch import Tensor

from gradbook.paths import repository
from gradbook.study.record import Scores, read_results, read_scores, write_run
from gradlib.checkpoint import load_tensors, save_model
from gradlib.config import GradConfig, TrainConfig
from gradlib.data.samples import Sample
from gradlib.features.backbones import load_backbone
from gradlib.features.cache import cached_features
from gradlib.model import GRAD
from gradlib.train import fit

TINY = GradConfig(channels=8, map_size=(4, 4), fusion="slim", blocks=1, width=8, standardise=True)
TRAINING = TrainConfig(epochs=60, batch_size=8)
REPEATS = 400  # times that a quick task writes its files


class Task(ABC):
    """A task of some seconds that writes files in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    @abstractmethod
    def run(self) -> None:
        """Do the task, or the rest of it if it was killed before."""

    @abstractmethod
    def check(self) -> bool:
        """Whether the task is finished. Raises AssertionError or InputError if a file is incomplete, wrong or lost."""


class CachingTask(Task):
    """Features of random images in a cache; half of the time two processes build it together."""

    CATEGORIES = 3  # one file of the cache each

    def __init__(self, folder: Path):
        super().__init__(folder)
        random, self.samples = np.random.default_rng(0), []
        for number in range(48):
            image = folder / "images" / f"{number:02}.png"
            write_noise(image, random)
            self.samples.append(Sample(image, f"category {number % self.CATEGORIES}", "train", 0, "good", None))
        self.backbone = load_backbone(pretrained=False)
        self.expected = self.features(folder / "undisturbed")

    def features(self, folder: Path) -> Tensor:
        """The features (48, C, 4, 4) by way of a cache in `folder`."""
        cache = cached_features(self.samples, self.backbone, image_size=64, map_size=4, batch_size=4, folder=folder)
        return cache[torch.arange(len(self.samples))]

    def run(self) -> None:
        self.features(self.folder / "cache")

    def check(self) -> bool:
        if len(list((self.folder / "cache").glob("*.json"))) < self.CATEGORIES:
            return False
        # all files are there, so this reads them and computes nothing
        torch.testing.assert_close(self.features(self.folder / "cache"), self.expected, rtol=0, atol=0)
        for file in (self.folder / "cache").iterdir():
            file.unlink()
        return True


class TrainingTask(Task):
    """A model trained with a checkpoint after each epoch."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.x = torch.randn(24, 8, 4, 4, generator=torch.Generator().manual_seed(0))
        self.expected, self.epochs = self.trained_model(None).state_dict(), 0

    def trained_model(self, checkpoint: Path | None) -> GRAD:
        """The model after TRAINING, which resumes from the checkpoint if there is one."""
        torch.manual_seed(0)
        model = GRAD(TINY)
        with redirect_stderr(StringIO()):  # hides the progress bars of hundreds of runs
            fit(model, self.x, TRAINING, checkpoint=checkpoint)
        return model

    def run(self) -> None:
        self.trained_model(self.folder / "state.safetensors")

    def check(self) -> bool:
        state = self.folder / "state.safetensors"
        if not state.exists():
            assert self.epochs == 0, f"the checkpoint of {self.epochs} epochs is lost"
            return False
        _, settings = load_tensors(state)
        epochs = len(settings["log"]["losses"])
        assert epochs >= self.epochs, f"the checkpoint holds {epochs} epochs after it held {self.epochs}"
        self.epochs = epochs
        if epochs < TRAINING.epochs:
            return False
        for name, weights in self.trained_model(state).state_dict().items():
            torch.testing.assert_close(weights, self.expected[name], rtol=0, atol=0)
        state.unlink()
        self.epochs = 0
        return True


class ResultsTask(Task):
    """Results and scores of a run, written repeatedly, each time with the next number."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.last = 0

    def run(self) -> None:
        for number in range(self.last + 1, self.last + REPEATS):
            values = np.full(500, number, np.float32)
            scores = Scores(**dict.fromkeys(Scores.__dataclass_fields__, values))
            write_run(self.folder / "run", {"number": number, "values": [number] * 500}, scores)

    def check(self) -> bool:
        if not (self.folder / "run" / "results.json").exists():
            assert self.last == 0, f"the results are lost after number {self.last}"
            return False
        record, scores = read_results(self.folder / "run"), read_scores(self.folder / "run")
        assert record["number"] >= self.last, f"number {record['number']} replaced the later {self.last}"
        assert set(record["values"]) == {record["number"]}, "the results mix several numbers"
        for values in vars(scores).values():
            assert set(values) <= {record["number"], record["number"] + 1}, "the scores mix several numbers"
        self.last = record["number"]
        return True


class SavingTask(Task):
    """The file of a model, written repeatedly with other weights."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.model, self.has_begun = GRAD(TINY), False

    def run(self) -> None:
        for number in range(1, REPEATS):
            for parameter in self.model.parameters():
                parameter.data.fill_(number)
            save_model(self.folder / "model.safetensors", self.model, {"number": number})

    def check(self) -> bool:
        file = self.folder / "model.safetensors"
        if not file.exists():
            assert not self.has_begun, "the model's file is lost"
            return False
        self.has_begun = True
        tensors, settings = load_tensors(file)
        for name, _ in self.model.named_parameters():
            assert bool((tensors[name] == settings["number"]).all()), f"{name} is not that of {settings['number']}"
        return True


class SnakemakeTask(Task):
    """A plan's two runs by Snakemake, each leaving a record: the training chapter, and nearest neighbours."""

    EPOCHS = 40

    def __init__(self, folder: Path):
        super().__init__(folder)
        write_tiny_mvtec(folder / "images" / "gear")
        data = {"dataset": "mvtec", "categories": ["gear"], "map_size": 4, "epochs": self.EPOCHS}
        group = {"title": "Two runs", "data": "tiny", "rows": {"grad": {}, "knn": {"method": "knn"}}}
        plan = {"defaults": {"seeds": [0]}, "data": {"tiny": data}, "groups": {"two": group}}
        (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        folders = {"RESULTS": "results", "RUNS": "runs", "MVTEC": "images", "CACHE": "cache", "PLAN": "plan.yaml"}
        paths = {f"GRAD_{name}": str(folder / path) for name, path in folders.items()}
        self.environment = {**os.environ, **paths}
        self.records: dict[str, bytes] = {}

    def run(self) -> None:
        snakefile = str(repository() / "Snakefile")
        options = ["--snakefile", snakefile, "--directory", str(self.folder), "--cores", "1"]
        subprocess.run([sys.executable, "-m", "snakemake", *options], env=self.environment, check=True)

    def check(self) -> bool:
        records = {record.name: record.read_bytes() for record in (self.folder / "results").glob("*.json")}
        assert self.records.items() <= records.items(), "a finished record is lost or was written again"
        for name in records:
            read_results(self.folder / "results" / name)
        self.records = records
        if len(records) < 2:
            return False
        for name in ("results", "runs", "cache"):
            shutil.rmtree(self.folder / name)
        self.records = {}
        return True


def write_noise(path: Path, random: np.random.Generator) -> None:
    """An image of 64 x 64 random pixels, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random.integers(0, 256, (64, 64, 3), np.uint8)).save(path)


def write_tiny_mvtec(category: Path) -> None:
    """A category in MVTec AD's layout: 4 random images each to train on, normal and with a defect of 8 x 8 pixels."""
    random = np.random.default_rng(0)
    masks = category / "ground_truth" / "scratch"
    masks.mkdir(parents=True)
    for number in range(4):
        for folder in ("train/good", "test/good", "test/scratch"):
            write_noise(category / folder / f"{number:03}.png", random)
        mask = np.pad(np.full((8, 8), 255, np.uint8), 28)  # (64, 64)
        Image.fromarray(mask).save(masks / f"{number:03}_mask.png")
