"""Models and training states on disk: one safetensors file each, its settings as JSON in the file's header.

A file is replaced in one step, so that a run killed while saving leaves the previous state intact. Never a pickle.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from gradlib.config import GradConfig, differing_fields
from gradlib.errors import InputError
from gradlib.files import replace_file
from gradlib.model import GRAD
from gradlib.standardise import FeatureModel

KIND = "gradlib"  # in the header: distinguishes gradlib's files from other safetensors files
Settings = dict[str, Any]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
    """Write tensors and JSON settings to `path` in one step. Raises InputError where the disk refuses."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"kind": KIND, "settings": json.dumps(settings)}
        save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, part, metadata=header)
        replace_file(part, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # fails too where a file is in the place of a folder
            part.unlink()
        raise InputError(
            f"{path} cannot be written ({error}): free space or choose another folder; the previous state is intact."
        ) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Settings]:
    """Read what save_tensors wrote. Raises InputError if the file is missing, damaged or something else."""
    remedy = "give a model.safetensors that a gradlib run wrote, or train again"
    if not path.is_file():
        raise InputError(f"No checkpoint at {path}: {remedy}.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} is not a readable safetensors file ({error}): {remedy}; pickles are not opened."
        ) from error
    if header.get("kind") != KIND:
        raise InputError(f"{path} holds tensors but was not written by gradlib: {remedy}.")
    return tensors, json.loads(header["settings"])


def save_model(path: Path | str, model: FeatureModel, settings: Mapping[str, Any]) -> None:
    """Save weights, configuration and the settings that using the model needs (backbone, image size, ...)."""
    save_tensors(Path(path), model.state_dict(), {**settings, "config": model.config.to_dict()})


def load_model(path: Path | str, *, device: torch.device | str = "cpu") -> tuple[GRAD, Settings]:
    """The model of a run, in evaluation mode, and the settings saved with it.

    path: a model.safetensors or the folder that holds it. Raises InputError if it holds no complete GRAD model.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "model.safetensors"
    tensors, settings = load_tensors(path)
    if "config" not in settings:
        raise InputError(f"{path} is not a finished model: give a run's model.safetensors.")
    model = GRAD(GradConfig.from_dict(settings["config"]))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: its weights do not fit its configuration ({error}): train again.") from error
    return model.to(device).eval(), settings


@dataclass
class TrainLog:
    """What training leaves besides the weights."""

    losses: list[float] = field(default_factory=list)  # mean of Eq. 7 over each epoch
    epoch_values: list[float] = field(default_factory=list)  # what after_epoch returned
    seconds: float = 0.0  # over all parts of an interrupted run


@dataclass
class TrainingState:
    """A checkpoint file with everything that the next epoch depends on; without a path nothing is read or written.

    owner: what the run is about; a state with another owner is refused.
    """

    path: Path | None
    model: FeatureModel
    optimizer: Optimizer
    owner: dict[str, Any]

    def save(self, log: TrainLog) -> None:
        """Write weights, the optimiser's moments and the log in one step."""
        if self.path is None:
            return
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        save_tensors(self.path, tensors, {"owner": self.owner, "log": asdict(log)})

    def restore(self) -> TrainLog:
        """Load the state and return its log, an empty one where there is no file.

        Raises InputError if the file belongs to another run.
        """
        if self.path is None or not self.path.exists():
            return TrainLog()
        tensors, settings = load_tensors(self.path)
        if settings.get("owner") != self.owner:
            names = differing_fields(settings.get("owner") or {}, self.owner)
            raise InputError(
                f"{self.path} belongs to a run with other {', '.join(names)}: choose another OUT or delete that file."
            )
        weights = {k.removeprefix("model."): t for k, t in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(weights)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": self._moments(tensors), "param_groups": groups})
        return TrainLog(**settings["log"])

    def _moments(self, tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".")
                if tensor.ndim:  # fused AdamW reads moments and weights in step, so their memory layouts must agree
                    tensor = torch.empty_like(parameters[int(number)]).copy_(tensor)
                state.setdefault(int(number), {})[name] = tensor
        return state
