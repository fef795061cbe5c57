"""GRAD and the methods that stand beside it, as one function: normal images in, maps and scores of test images out."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from lightning_fabric import Fabric

from gradbook.study.experiment import ANOMALIB, Experiment
from gradbook.study.methods.base import Clock, Part, Scored
from gradbook.study.methods.grad import grad_config, saturation
from gradbook.study.methods.knn import PatchMemory
from gradbook.study.methods.uniad import UniAD, UniadConfig
from gradlib.complexity import complexity
from gradlib.config import changed
from gradlib.data.samples import rows_by_category
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.inference import distances
from gradlib.metrics.curves import auroc
from gradlib.metrics.evaluation import flipped
from gradlib.model import GRAD
from gradlib.scores import anomaly_map, image_score
from gradlib.seeds import epoch_generator
from gradlib.standardise import channel_statistics, floored
from gradlib.train import fit


def score_part(
    part: Part, experiment: "Experiment", backbone: Backbone, fabric: Fabric, clock: "Clock", state: Path, identity: str
) -> Scored:
    """Train the experiment's method on part.train and apply it to part.test; `state` is the checkpoint's file."""
    if experiment.method in ANOMALIB:
        return by_anomalib(part, experiment, backbone, fabric, clock)
    sizes = {"image_size": experiment.image_size, "map_size": experiment.size(), "device": fabric.device}
    with clock("features"):
        train = cached_features(part.train, backbone, **sizes)  # type: ignore[arg-type]
        test = cached_features(part.test, backbone, **sizes)  # type: ignore[arg-type]
    if experiment.method == "knn":
        return by_nearest_neighbours(experiment, train, test, clock)
    began = time.perf_counter()
    with clock("training"):
        model = new_model(experiment, train)
        watch = watcher(model, part, test, experiment, fabric) if experiment.by_epoch else None
        schedule = experiment.training()
        log = fit(model, train, schedule, fabric=fabric, checkpoint=state, identity=identity, after_epoch=watch)
    earlier = max(0.0, log.seconds - (time.perf_counter() - began))  # in processes that were killed
    for name in ("training", "total"):
        clock.add(name, earlier)
    with clock("scoring"):
        d = distances(model, test, fabric.device)
        saturated = saturation(model, test, fabric.device)
    size = {**model.config.to_dict(), **asdict(complexity(model)), "saturated": saturated}
    return Scored(d, None, model, size, log.losses, log.noted, squared_units=train.channels)


def by_nearest_neighbours(experiment: "Experiment", train: FeatureCache, test: FeatureCache, clock: "Clock") -> Scored:
    """The distance to the nearest of many stored patches, in the same units as the preset's features."""
    with clock("training"):
        mean, std = torch.zeros(train.channels), torch.ones(train.channels)
        if grad_config(experiment, train).standardise:
            mean, std = channel_statistics(train)
        memory = PatchMemory(mean, floored(std)).fit(train, seed=experiment.seed)
    with clock("scoring"):
        d = memory.distance(test)
    return Scored(d, size={"entries": len(memory.entries)}, squared_units=train.channels)


def by_anomalib(part: Part, experiment: "Experiment", backbone: Backbone, fabric: Fabric, clock: "Clock") -> Scored:
    """A peer from anomalib with the same backbone; raises InputError where anomalib is not installed."""
    from gradbook.study.methods.anomalib_peers import CORESET, fit_and_score  # an optional dependency

    if unknown := set(experiment.model) - ({"coreset"} if experiment.method == "patchcore" else set()):
        raise InputError(f"MODEL has no field {', '.join(sorted(unknown))} for {experiment.method}: leave it out.")
    result = fit_and_score(
        experiment.method,
        part.train,
        part.test,
        backbone,
        image_size=experiment.image_size,
        seed=experiment.seed,
        device=fabric.device,
        epochs=experiment.epochs,
        coreset=experiment.model.get("coreset", CORESET),
    )
    for name, seconds in result.seconds.items():
        clock.add({"fit": "training", "score": "scoring"}[name], seconds)
    return Scored(result.maps, result.score, size={"parameters": result.parameters})


def new_model(experiment: "Experiment", train: FeatureCache) -> GRAD | UniAD:
    """An untrained model for these features; its weights depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(epoch_generator(experiment.seed, 0, "weights").initial_seed())
        model: GRAD | UniAD
        if experiment.method == "uniad":
            base = UniadConfig(channels=train.channels, map_size=(train.shape[2], train.shape[3]))
            model = UniAD(changed(base, experiment.model, "MODEL"))
        else:
            model = GRAD(grad_config(experiment, train))
    if model.config.standardise:
        model.set_feature_statistics(*channel_statistics(train))
    if isinstance(model, GRAD) and model.config.memory_start == "features":
        model.start_memories(train, epoch_generator(experiment.seed, 0, "memories"))
    return model


def watcher(
    model: GRAD | UniAD,
    part: Part,
    test: FeatureCache,
    experiment: "Experiment",
    fabric: Fabric,
) -> Callable[[int], float]:
    """A function for fit's after_epoch that gives the mean image AUROC: for the exhibit of what selection adds.

    Raises InputError where a class has no AUROC, for want of normal or of defective test images.
    """
    labels = torch.tensor([s.label for s in part.test]).numpy()
    rows = rows_by_category(part.test)
    if undefined := [c for c, chosen in rows.items() if len(set(labels[chosen].tolist())) < 2]:
        raise InputError(
            f"No AUROC of {', '.join(undefined)} can be noted by epoch, for want of normal or of defective test "
            "images: leave these classes out, or BY_EPOCH off."
        )

    def watch(epoch: int) -> float:
        maps = anomaly_map(distances(model, test, fabric.device), experiment.image_size, experiment.protocol)
        score = image_score(maps, experiment.protocol).numpy()
        found = [auroc(score[chosen], labels[chosen]) for chosen in rows.values()]
        if experiment.protocol == "released":
            found = [flipped(metric) for metric in found]
        return sum(metric.value or 0.0 for metric in found) / len(found)  # None is what was refused above

    return watch
