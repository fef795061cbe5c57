"""What a planned run needs and this machine lacks."""

import importlib.util
from pathlib import Path

import torch

from gradbook.study.experiment import ANOMALIB
from gradbook.study.plan import ROOTS, Planned, data_root
from gradlib.features.backbones import weights_are_here


def missing(planned: Planned) -> tuple[str, ...]:
    """What this machine lacks for a run, as words for a table: data, weights, anomalib, GPU."""
    experiment, lacking = planned.experiment, []
    if experiment.dataset in ROOTS:
        root = data_root(experiment.dataset)
        if not root or not all((Path(root).expanduser() / category).is_dir() for category in experiment.categories):
            lacking.append("data")
    if experiment.method != "draem" and not weights_are_here(experiment.backbone):
        lacking.append("weights")
    if experiment.method in ANOMALIB and importlib.util.find_spec("anomalib") is None:
        lacking.append("anomalib")
    if "gpu" in planned.needs and not torch.cuda.is_available():
        lacking.append("GPU")
    return tuple(lacking)
