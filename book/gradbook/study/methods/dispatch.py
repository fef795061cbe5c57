"""Which function runs each method of the catalogue: normal images in, distances and scores of test images out."""

from collections.abc import Callable

from gradbook.study.methods.anomalib_peers import score_by_anomalib
from gradbook.study.methods.base import Job, Part, Scored
from gradbook.study.methods.knn import score_by_neighbours
from gradbook.study.methods.trained import score_by_training

RUNNERS: dict[str, Callable[[Part, Job], Scored]] = {
    "grad": score_by_training,
    "uniad": score_by_training,
    "knn": score_by_neighbours,
    "patchcore": score_by_anomalib,
    "padim": score_by_anomalib,
    "reverse_distillation": score_by_anomalib,
    "draem": score_by_anomalib,
}


def score_part(part: Part, job: Job) -> Scored:
    """Fit the experiment's method to part.train and apply it to part.test."""
    return RUNNERS[job.experiment.method](part, job)
