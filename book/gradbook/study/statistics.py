"""The committed records in data/results, and what can be said over their seeds: means, intervals, differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.paths import results_folder
from gradbook.study.bootstrap import interval
from gradbook.study.evidence import image_auroc_replicates, pixel_auroc_replicates, scores_and_labels
from gradbook.study.plan import read_plan
from gradbook.study.record import read_results
from gradlib.metrics.curves import auroc

Record = dict[str, Any]


def read_group(group: str, row: str | None = None, *, folder: Path | None = None) -> dict[str, list[Record]]:
    """The records of a group of data/plan.yaml by row, each ordered by seed; rows without a record are absent."""
    found: dict[str, list[Record]] = {}
    for planned in read_plan().values():
        path = (folder or results_folder()) / f"{planned.name}.json"
        if planned.group == group and row in (None, planned.row) and path.exists():
            found.setdefault(planned.row, []).append(read_results(path))
    return found


def values(records: Sequence[Record], metric: str, category: str = "mean") -> np.ndarray:
    """(seeds,) of a metric, NaN where it is undefined."""
    tables = [r["mean"] if category == "mean" else r["classes"][category] for r in records]
    return np.array([np.nan if t[metric] is None else t[metric] for t in tables])


def spread(records: Sequence[Record], metric: str, category: str = "mean") -> tuple[float, float]:
    """Mean and standard deviation (n - 1; NaN for one run) of a metric over runs."""
    found = values(records, metric, category)
    return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else float("nan")


def replicates(records: Sequence[Record], metric: str, category: str = "mean") -> np.ndarray | None:
    """(replicates,) of the mean over seeds, of a class or of the mean over classes; None where it is undefined.

    metric: "image_auroc" or "pixel_auroc".
    """
    kind = {"image_auroc": image_auroc_replicates, "pixel_auroc": pixel_auroc_replicates}[metric]
    categories = list(records[0]["classes"]) if category == "mean" else [category]
    found = [kind(record, c) for record in records for c in categories]
    if any(f is None for f in found):
        return None
    return np.mean([f for f in found if f is not None], axis=0)


def difference(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str, category: str = "mean"
) -> tuple[float, float, float] | None:
    """Ours minus theirs with its 95 % interval, paired: both saw the same resamples of the same images.

    None where either is undefined or the test images differ.
    """
    if not same_images([*ours, *theirs]):
        return None
    a, b = replicates(ours, metric, category), replicates(theirs, metric, category)
    if a is None or b is None:
        return None
    low, high = interval(a - b)
    return spread(ours, metric, category)[0] - spread(theirs, metric, category)[0], low, high


def same_images(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all runs were tested on the same images."""
    return len({r["data"]["fingerprint"] for r in records}) == 1


def defect_auroc(records: Sequence[Record], category: str) -> dict[str, np.ndarray]:
    """By kind of defect, (seeds,) image AUROC of that kind alone against the class's normal images.

    NaN where the class has no normal test image.
    """
    found: dict[str, list[float]] = {}
    for record in records:
        kinds = np.array([kind for kind, n in record["evidence"][category]["defects"] for _ in range(n)])
        scores, labels = scores_and_labels(record, category)
        for kind in dict.fromkeys(kinds[labels == 1]):
            chosen = (labels == 0) | (kinds == kind)
            value = auroc(scores[chosen], labels[chosen]).value
            found.setdefault(str(kind), []).append(np.nan if value is None else value)
    return {kind: np.array(aurocs) for kind, aurocs in found.items()}


def patch_error_ratio(records: Sequence[Record]) -> np.ndarray:
    """(seeds,) mean error on anomalous patches over that on normal ones, averaged over classes; 1: no difference.

    Implements {eq}`eq-ratio`. Every class of the records needs masks.
    """
    errors = [[r["evidence"][c]["patch_error"] for c in r["classes"]] for r in records]
    return np.array([np.mean([e["anomalous"] / e["normal"] for e in run]) for run in errors])
