"""Requirements of a planned run that this machine does not meet."""

import importlib.util
from pathlib import Path

import torch

from gradbook.study.catalogue import METHODS
from gradbook.study.plan import Planned
from gradlib.data.archives import ARCHIVES
from gradlib.data.readers import data_root
from gradlib.features.weights import weights_are_local


def missing(planned: Planned) -> tuple[str, ...]:
    """The requirements of a run that are missing here: some of "data", "weights", "anomalib", "GPU"."""
    experiment, absent = planned.experiment, []
    if experiment.dataset in ARCHIVES:
        root = data_root(experiment.dataset)
        if not root or not all((Path(root).expanduser() / category).is_dir() for category in experiment.categories):
            absent.append("data")
    method = METHODS[experiment.method]
    if method.needs_weights and not weights_are_local(experiment.backbone):
        absent.append("weights")
    if method.needs_anomalib and importlib.util.find_spec("anomalib") is None:
        absent.append("anomalib")
    if "gpu" in planned.needs and not torch.cuda.is_available():
        absent.append("GPU")
    return tuple(absent)
