"""Baselines on the same images as GRAD: anomalib's models with GRAD's frozen backbone, and their raw scores.

anomalib is an optional extra (requirements-results.txt), loaded when a method is requested. Nothing is downloaded:
gradlib's backbone replaces its weights. Its Engine is not used, because it trains one category at a time and squashes
scores to [0, 1]; gradbook.bench.peers_agreement runs it for comparison.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gradbook.study.methods.anomalib_inputs import Fitted, FrozenStages, Images, anomalib_module, seeded
from gradbook.study.methods.anomalib_trained import fit_draem, fit_reverse_distillation
from gradbook.study.methods.base import Job, Part, Scored
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone

CORESET = 0.01  # share of patches in the core set, the smallest of the PatchCore paper's ratios (Table 1: 25, 10, 1 %)
LEAST = 400  # minimum core-set size; 1 % of a few images would be too small for a fair comparison
NEIGHBOURS = 9  # b of its Eq. 7, anomalib's default
# The core set is chosen from this many patches, drawn at random. From all 330,848 patches of 422 images of 224 pixels,
# choosing one entry takes 0.3 s on one CPU core, and 3,308 are needed.
POOL = 50_000
POOL_PER_ENTRY = 10  # at least this many candidate patches per patch of the core set
PADIM_CHANNELS = 100  # drawn at random, anomalib's default for its smallest backbone


@dataclass(frozen=True)
class PeerResult:
    """Maps and scores of a baseline on the test images."""

    maps: Tensor  # (N, S, S) at the network's input size
    score: Tensor  # (N,) the method's own image score
    parameters: int  # numbers learnt from the images: entries, Gaussians or weights; without the backbone
    seconds: dict[str, float]  # "fit" and "score", both including the reading of the images


def fit_and_score(
    method: str,
    train: Sequence[Sample],
    test: Sequence[Sample],
    backbone: Backbone,
    *,
    image_size: int,
    seed: int,
    device: torch.device,
    epochs: int | None = None,
    coreset: float = CORESET,
) -> PeerResult:
    """Fit one of PEERS to normal images and apply it to test images; maps and scores are raw, without a common unit.

    epochs: for the trained methods (reverse_distillation, draem), by default their papers'; coreset: the share of all
    patches in PatchCore's core set. Raises InputError for an unknown method, a missing anomalib, no images, and a
    backbone or size that the method cannot take.
    """
    if method not in PEERS:
        raise InputError(f'Method "{method}" is not from anomalib: choose one of {", ".join(PEERS)}.')
    if not train or not test:
        raise InputError(f"{method} got {len(train)} training and {len(test)} test images: it needs some of both.")
    units = ((0.0,) * 3, (1.0,) * 3) if method == "draem" else (backbone.mean, backbone.std)
    backbone = backbone.to(device)
    began = time.perf_counter()
    with seeded(seed, device):
        fit = partial(fit_patchcore, coreset=coreset) if method == "patchcore" else PEERS[method]
        fitted = fit(Images.read(train, image_size, *units, device), backbone, epochs)
        between = time.perf_counter()
        maps, score = apply(fitted, Images.read(test, image_size, *units, device))
    seconds = {"fit": between - began, "score": time.perf_counter() - between}
    return PeerResult(maps, score, fitted.parameters, seconds)


@torch.inference_mode()
def apply(fitted: Fitted, images: Images) -> tuple[Tensor, Tensor]:
    """Maps (N, S, S) and scores (N,) of all images, on the CPU."""
    maps, scores = zip(*(fitted.predict(images[block]) for block in images.blocks()), strict=True)
    return torch.cat(maps).cpu(), torch.cat(scores).cpu()


@torch.no_grad()
def fit_patchcore(images: Images, backbone: Backbone, epochs: int | None, coreset: float = CORESET) -> Fitted:
    """Roth et al., CVPR 2022: a core set of normal patches, and the distance to its nearest entry."""
    library = anomalib_module("models.image.patchcore.torch_model")
    stages = list(backbone.stages)
    model = library.PatchcoreModel(stages, backbone.name, pre_trained=False, num_neighbors=NEIGHBOURS)
    model.feature_extractor = FrozenStages(backbone)
    model.to(images.device).train()
    rows = entries = start = 0
    in_pool = torch.empty(0, dtype=torch.bool)
    for block in images.blocks():
        embedding = model(images[block])  # (n*H*W, C), which the model has stored
        if not rows:
            rows = len(images) * len(embedding) // len(block)
            entries = min(rows, max(LEAST, int(coreset * rows)))
            in_pool = random_rows(rows, max(POOL, POOL_PER_ENTRY * entries)).to(images.device)
        model.embedding_store[-1] = embedding[in_pool[start : start + len(embedding)]]
        start += len(embedding)
    model.subsample_embedding((entries + 0.5) / int(in_pool.sum()))  # anomalib rounds down to a number of patches
    return Fitted(prediction(model.eval()), model.memory_bank.numel())


def random_rows(rows: int, count: int) -> Tensor:
    """A mask (rows,) that is True for `count` rows drawn at random, or for all if there are fewer."""
    mask = torch.full((rows,), rows <= count)
    if rows > count:
        mask[torch.randperm(rows)[:count]] = True
    return mask


@torch.no_grad()
def fit_padim(images: Images, backbone: Backbone, epochs: int | None) -> Fitted:
    """Defard et al., ICPR 2020: a Gaussian of normal features at each pixel, and the Mahalanobis distance to it."""
    library = anomalib_module("models.image.padim.torch_model")
    if len(images) < 2:
        raise InputError("PaDiM estimates a covariance, for which one training image is too few: give at least 2.")
    channels = min(PADIM_CHANNELS, backbone.channels)
    model = library.PadimModel(backbone.name, list(backbone.stages), pre_trained=False, n_features=channels)
    model.feature_extractor = FrozenStages(backbone)
    model.to(images.device).train()
    for block in images.blocks():
        model(images[block])
    model.fit()
    return Fitted(prediction(model.eval()), model.gaussian.mean.numel() + model.gaussian.inv_covariance.numel())


def prediction(model: torch.nn.Module) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The maps and scores of an anomalib model in the shapes of PeerResult."""

    def predict(images: Tensor) -> tuple[Tensor, Tensor]:
        output = model(images)
        return output.anomaly_map.reshape(len(images), *images.shape[2:]), output.pred_score.reshape(len(images))

    return predict


PEERS: dict[str, Callable[[Images, Backbone, int | None], Fitted]] = {
    "patchcore": fit_patchcore,
    "padim": fit_padim,
    "reverse_distillation": fit_reverse_distillation,
    "draem": fit_draem,
}


def score_by_anomalib(part: Part, job: Job) -> Scored:
    """One of PEERS with the same backbone. Raises InputError where anomalib is not installed."""
    experiment = job.experiment
    unknown = set(experiment.model) - ({"coreset"} if experiment.method == "patchcore" else set())
    if unknown:
        raise InputError(f"MODEL has no field {', '.join(sorted(unknown))} for {experiment.method}: leave it out.")
    result = fit_and_score(
        experiment.method,
        part.train,
        part.test,
        job.backbone,
        image_size=experiment.image_size,
        seed=experiment.seed,
        device=job.fabric.device,
        epochs=experiment.epochs,
        coreset=experiment.model.get("coreset", CORESET),
    )
    job.clock.add("training", result.seconds["fit"])
    job.clock.add("scoring", result.seconds["score"])
    return Scored(result.maps, result.score, size={"parameters": result.parameters})
