"""Methods that gradlib's own loop trains on cached features: GRAD and UniAD."""

import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from gradbook.study.experiment import Experiment
from gradbook.study.methods.base import Job, Part, Scored
from gradbook.study.methods.uniad import UniAD, UniadConfig
from gradbook.study.model_counts import count_model
from gradlib.config import GradConfig, replace_fields
from gradlib.data.samples import rows_by_category
from gradlib.errors import InputError
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.inference import distances, run_model
from gradlib.metrics.curves import auroc
from gradlib.metrics.evaluation import complement
from gradlib.model import GRAD
from gradlib.presets import preset_config
from gradlib.scores import anomaly_map, image_score
from gradlib.seeds import epoch_generator
from gradlib.standardise import FeatureModel
from gradlib.train import fit

SATURATED = 0.99  # beyond this coordinate tanh is almost flat


def features_of(part: Part, job: Job) -> tuple[FeatureCache, FeatureCache]:
    """Cached features of the training and of the test images."""
    size, map_size, device = job.experiment.image_size, job.experiment.side(), job.fabric.device
    with job.clock("features"):
        train = cached_features(part.train, job.backbone, image_size=size, map_size=map_size, device=device)
        test = cached_features(part.test, job.backbone, image_size=size, map_size=map_size, device=device)
    return train, test


def score_by_training(part: Part, job: Job) -> Scored:
    """Train GRAD or UniAD on part.train and apply it to part.test."""
    experiment, clock = job.experiment, job.clock
    train, test = features_of(part, job)
    began = time.perf_counter()
    with clock("training"):
        model = new_model(experiment, train)
        log = fit(
            model,
            train,
            experiment.training(),
            fabric=job.fabric,
            checkpoint=job.checkpoint(part),
            identity=job.fingerprint,
            after_epoch=auroc_after_epoch(model, part, test, experiment) if experiment.by_epoch else None,
        )
    earlier = max(0.0, log.seconds - (time.perf_counter() - began))  # in processes that were killed
    for name in ("training", "total"):
        clock.add(name, earlier)
    with clock("scoring"):
        d, saturated = distances_and_saturation(model, test)
    size = {**model.config.to_dict(), **asdict(count_model(model)), "saturated": saturated}
    return Scored(d, None, model, size, log.losses, log.epoch_values, squared_units=train.channels)


def distances_and_saturation(model: FeatureModel, test: FeatureCache) -> tuple[Tensor, dict[str, float]]:
    """d (N, H, W), and the share of coordinates beyond SATURATED of each grid that the model has."""
    if not isinstance(model, GRAD):
        return distances(model, test), {}
    v_l, v_g, d = run_model(model, test)
    coordinates = {"local": v_l, "global": v_g}
    shares = {name: (c.abs() > SATURATED).float().mean() for name, c in coordinates.items() if c.numel()}
    return d, {name: round(float(share), 4) for name, share in shares.items()}


def new_model(experiment: Experiment, train: FeatureCache) -> FeatureModel:
    """An untrained model for these features, prepared for training; its weights depend on the seed alone."""
    model: FeatureModel
    with torch.random.fork_rng():
        torch.manual_seed(epoch_generator(experiment.seed, 0, "weights").initial_seed())
        if experiment.method == "uniad":
            base = UniadConfig(channels=train.channels, map_size=(train.shape[2], train.shape[3]))
            model = UniAD(replace_fields(base, experiment.model, "MODEL"))
        else:
            model = GRAD(grad_config(experiment, train))
    model.prepare(train, seed=experiment.seed)
    return model


def grad_config(experiment: Experiment, train: FeatureCache) -> GradConfig:
    """The preset's configuration for these features with the experiment's changes."""
    return replace_fields(preset_config(experiment.preset, train), experiment.model, "MODEL")


def auroc_after_epoch(
    model: FeatureModel, part: Part, test: FeatureCache, experiment: Experiment
) -> Callable[[int], float]:
    """A function for fit's after_epoch: the mean test image AUROC, to show what choosing an epoch by it would add.

    Raises InputError where a category has no AUROC because all its test images are normal or all are anomalous.
    """
    labels = np.array([s.label for s in part.test])
    rows = rows_by_category(part.test)
    undefined = [category for category, numbers in rows.items() if len(set(labels[numbers].tolist())) < 2]
    if undefined:
        raise InputError(
            f"The image AUROC of {', '.join(undefined)} is undefined in every epoch, since normal or anomalous test "
            "images are missing: leave these categories out, or set BY_EPOCH to False."
        )

    def mean_auroc(epoch: int) -> float:
        maps = anomaly_map(distances(model, test), experiment.image_size, experiment.protocol)
        score = image_score(maps, experiment.protocol).numpy()
        metrics = [auroc(score[numbers], labels[numbers]) for numbers in rows.values()]
        if experiment.protocol == "released":
            metrics = [complement(metric) for metric in metrics]
        return sum(metric.value or 0.0 for metric in metrics) / len(metrics)  # None was refused above

    return mean_auroc
