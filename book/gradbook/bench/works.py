"""What `gradbook.bench.faults` kills: works that leave files, each able to say whether what is there is whole."""

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
from gradlib.train import fit, make_fabric

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


def draw_photograph(path: Path, draw: np.random.Generator) -> None:
    """64 x 64 pixels of noise, with the folders that the file needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw.integers(0, 256, (64, 64, 3), np.uint8)).save(path)


class Caching(Work):
    """Features of drawn photographs, asked for by two processes at once half of the time."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        draw, self.samples = np.random.default_rng(0), []
        for number in range(48):
            image = folder / "images" / f"{number:02}.png"
            draw_photograph(image, draw)
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


class Running(Work):
    """Two runs of a plan by Snakemake, each leaving a record: the training chapter, and nearest neighbours."""

    EPOCHS = 40

    def __init__(self, folder: Path):
        super().__init__(folder)
        draw = np.random.default_rng(0)
        for number in range(4):
            for kind in ("train/good", "test/good", "test/scratch"):
                draw_photograph(folder / "images" / "gear" / kind / f"{number:03}.png", draw)
            mask = folder / "images" / "gear" / "ground_truth" / "scratch" / f"{number:03}_mask.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.pad(np.full((8, 8), 255, np.uint8), 28)).save(mask)
        data = {"dataset": "mvtec", "categories": ["gear"], "map_size": 4, "epochs": self.EPOCHS}
        group = {"title": "Two runs", "data": "tiny", "rows": {"grad": {}, "knn": {"method": "knn"}}}
        plan = {"defaults": {"seeds": [0]}, "data": {"tiny": data}, "groups": {"two": group}}
        (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        places = {"RESULTS": "results", "RUNS": "runs", "MVTEC": "images", "CACHE": "cache"}
        named = {f"GRAD_{name}": str(folder / place) for name, place in places.items()}
        self.environment = {**os.environ, **named, "GRAD_PLAN": str(folder / "plan.yaml")}
        self.kept: dict[str, bytes] = {}

    def do(self) -> None:
        snakefile = str(repository() / "Snakefile")
        options = ["--snakefile", snakefile, "--directory", str(self.folder), "--cores", "1"]
        subprocess.run([sys.executable, "-m", "snakemake", *options], env=self.environment, check=True)

    def inspect(self) -> bool:
        records = {record.name: record.read_bytes() for record in (self.folder / "results").glob("*.json")}
        assert self.kept.items() <= records.items(), "a record is gone or was made again"
        for name in records:
            read_results(self.folder / "results" / name)
        self.kept = records
        if len(records) < 2:
            return False
        for name in ("results", "runs", "cache"):
            shutil.rmtree(self.folder / name)
        self.kept = {}
        return True
