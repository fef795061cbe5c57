"""Models and training states on disk: one safetensors file each, its settings as JSON in the file's header.

One file, replaced in one step, so that a run killed while saving leaves the previous state whole. Never a pickle.
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

from gradbook.study.methods.uniad import UniAD
from gradlib.config import GradConfig, differences
from gradlib.errors import InputError
from gradlib.files import put
from gradlib.model import GRAD

KIND = "gradlib"  # in the header, so that a stranger's safetensors file is told apart
Settings = dict[str, Any]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
    """Write tensors and JSON settings to `path` in one step. Raises InputError where the disk does not let it."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"kind": KIND, "settings": json.dumps(settings)}
        save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, part, metadata=header)
        put(part, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # where a file stands in a folder's place, not even this can be asked
            part.unlink()
        raise InputError(
            f"{path} cannot be written ({error}): free some space or choose another folder; earlier states are whole."
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
            f"{path} is no readable safetensors file ({error}): {remedy}; pickles are not opened."
        ) from error
    if header.get("kind") != KIND:
        raise InputError(f"{path} holds tensors but was not written by gradlib: {remedy}.")
    return tensors, json.loads(header["settings"])


def save_model(path: Path, model: GRAD | UniAD, settings: Mapping[str, Any]) -> None:
    """Save weights, configuration and whatever a later user of the model needs (backbone, image size, ...)."""
    save_tensors(path, model.state_dict(), {**settings, "config": model.config.to_dict()})


def load_model(path: Path | str, *, device: torch.device | str = "cpu") -> tuple[GRAD, Settings]:
    """The model of a run, in evaluation mode, and the settings saved with it.

    path: a model.safetensors or the folder that holds it. Raises InputError if it does not hold a whole GRAD.
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
    """What training leaves beside the weights."""

    losses: list[float] = field(default_factory=list)  # mean of Eq. 7 over each epoch
    noted: list[float] = field(default_factory=list)  # what after_epoch gave, epoch by epoch
    seconds: float = 0.0  # over all parts of an interrupted run


def save_state(path: Path, model: GRAD | UniAD, optimizer: Optimizer, owner: dict[str, Any], log: TrainLog) -> None:
    """Everything the next epoch depends on: weights, the optimiser's moments, and how many epochs are done."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    save_tensors(path, tensors, {"owner": owner, "log": asdict(log)})


def restore(path: Path, model: GRAD | UniAD, optimizer: Optimizer, owner: dict[str, Any]) -> TrainLog:
    """Put a saved state back and return its log. Raises InputError if it belongs to another run."""
    tensors, settings = load_tensors(path)
    if settings.get("owner") != owner:
        differing = differences(settings.get("owner") or {}, owner)
        raise InputError(
            f"{path} belongs to a run with other {', '.join(differing)}: choose another OUT or delete that file."
        )
    model.load_state_dict({k.removeprefix("model."): t for k, t in tensors.items() if k.startswith("model.")})
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".")
            if tensor.ndim:  # fused AdamW walks moments and weights in step: both need the same memory layout
                tensor = torch.empty_like(parameters[int(number)]).copy_(tensor)
            state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return TrainLog(**settings["log"])
