"""A record of a run with one category, for tests of what reads records."""

from collections.abc import Iterable, Sequence
from typing import Any

from gradlib.metrics.ranking import METRIC_NAMES

LABELS = [0] * 10 + [1] * 10


def record(
    seed: int = 0,
    image: float = 0.9,
    pixel: float | None = 0.8,
    *,
    scores: Iterable[float] = range(20),
    labels: Sequence[int] = LABELS,
    pixel_replicates: str | None = "0.7 0.8 0.9",
    images: str = "f",
) -> dict[str, Any]:
    """One seed on the category "bottle"; image and pixel: shares, the values of all metrics but the pixel AUROC's."""
    metrics = dict.fromkeys(METRIC_NAMES, image) | {"pixel_auroc": pixel}
    evidence = {"scores": " ".join(map(str, scores)), "labels": "".join(map(str, labels))}
    evidence |= {"defects": [["good", 10], ["hole", 10]], "pixel_replicates": pixel_replicates}
    evidence |= {"patch_error": {"normal": 1.0, "anomalous": 2.0}}
    settings = dict.fromkeys(("dataset", "setting", "backbone", "preset", "map_size", "epochs", "protocol"), "x")
    return {
        "schema": 2,
        "classes": {"bottle": metrics},
        "mean": metrics,
        "evidence": {"bottle": evidence},
        "data": {"fingerprint": images, "counts": {"bottle": {"train": 3, "test": 20}}},
        "experiment": settings | {"method": "grad", "seed": seed},
        "provenance": {"commit": "0123456789abcdef", "device": "CPU"},
        "seconds": {"training": 12.3},
    }
