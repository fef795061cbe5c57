"""What a planned run needs and this machine lacks."""

import importlib.util
from pathlib import Path

import torch

from gradbook.study.catalogue import METHODS
from gradbook.study.plan import Planned
from gradlib.data.archives import ARCHIVES
from gradlib.data.readers import data_root
from gradlib.features.backbones import weights_are_local


def missing(planned: Planned) -> tuple[str, ...]:
    """What this machine lacks for a run, as words for a table: data, weights, anomalib, GPU."""
    experiment, lacking = planned.experiment, []
    if experiment.dataset in ARCHIVES:
        root = data_root(experiment.dataset)
        if not root or not all((Path(root).expanduser() / category).is_dir() for category in experiment.categories):
            lacking.append("data")
    method = METHODS[experiment.method]
    if method.needs_weights and not weights_are_local(experiment.backbone):
        lacking.append("weights")
    if method.needs_anomalib and importlib.util.find_spec("anomalib") is None:
        lacking.append("anomalib")
    if "gpu" in planned.needs and not torch.cuda.is_available():
        lacking.append("GPU")
    return tuple(lacking)
