"""The committed records in data/results: one table of their metrics, and means, intervals and differences over seeds.

A record keeps its categories under the key "classes", and rows of numbers as strings (`gradbook.study.evidence`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gradbook.study.bootstrap import Comparison, image_replicates, interval
from gradbook.study.plan import read_plan
from gradbook.study.record import read_results
from gradlib.metrics.curves import auroc

Record = dict[str, Any]
Rows = Mapping[str, Sequence[Record]]  # row of a table, such as a method or a changed setting -> its runs, one a seed


def read_group(group: str) -> dict[str, list[Record]]:
    """The records of a group of data/plan.yaml by row, each ordered by seed; rows without a record are absent."""
    rows: dict[str, list[Record]] = {}
    for planned in read_plan().values():
        if planned.group == group and planned.record().exists():
            rows.setdefault(planned.row, []).append(read_results(planned.record()))
    return rows


def tidy_metrics(rows: Rows) -> pd.DataFrame:
    """One line for each run, category and metric, with the columns row, seed, category, metric and value.

    The mean over categories has the category "mean"; value is a share, NaN where the metric is undefined.
    """
    lines = [
        (row, record["experiment"]["seed"], category, metric, value)
        for row, records in rows.items()
        for record in records
        for category, metrics in {**record["classes"], "mean": record["mean"]}.items()
        for metric, value in metrics.items()
    ]
    return pd.DataFrame(lines, columns=["row", "seed", "category", "metric", "value"]).astype({"value": float})


def values(records: Sequence[Record], metric: str, category: str = "mean") -> np.ndarray:
    """A metric of each run, (seeds,), as a share; NaN where it is undefined."""
    metrics = [record["mean"] if category == "mean" else record["classes"][category] for record in records]
    return np.array([of_run[metric] for of_run in metrics], float)


def mean_and_deviation(records: Sequence[Record], metric: str, category: str = "mean") -> tuple[float, float]:
    """Mean and standard deviation (n - 1; NaN for one run) of a metric over runs, as shares."""
    over_seeds = values(records, metric, category)
    return float(over_seeds.mean()), float(over_seeds.std(ddof=1)) if len(over_seeds) > 1 else float("nan")


def scores_and_labels(record: Record, category: str) -> tuple[np.ndarray, np.ndarray]:
    """The image scores of a category, to six digits, and the labels, each (n,)."""
    evidence = record["evidence"][category]
    return np.array(evidence["scores"].split(), float), np.array(list(evidence["labels"]), int)


def replicates(records: Sequence[Record], metric: str, category: str = "mean") -> np.ndarray | None:
    """Bootstrap replicates (replicates,) of a metric's mean over seeds, of a category or of the mean over categories.

    metric: "image_auroc" or "pixel_auroc". None where the metric is undefined.
    """
    categories = list(records[0]["classes"]) if category == "mean" else [category]
    of_runs = [_replicates_of_run(record, metric, c) for record in records for c in categories]
    defined = [of_run for of_run in of_runs if of_run is not None]
    return np.mean(defined, axis=0) if len(defined) == len(of_runs) else None


def _replicates_of_run(record: Record, metric: str, category: str) -> np.ndarray | None:
    """The replicates (replicates,) of one run: image AUROCs are computed from its scores, pixel AUROCs are recorded."""
    if metric == "pixel_auroc":
        recorded = record["evidence"][category]["pixel_replicates"]
        return None if recorded is None else np.array(recorded.split(), float)
    scores, labels = scores_and_labels(record, category)
    return image_replicates(scores, labels) if len(np.unique(labels)) == 2 else None


def compare(ours: Sequence[Record], theirs: Sequence[Record], metric: str, category: str = "mean") -> Comparison | None:
    """Ours minus theirs in points with its 95 % interval, paired: both see the same resamples of the same images.

    metric: "image_auroc" or "pixel_auroc". None if either has no run, the metric is undefined or the images differ.
    """
    if not ours or not theirs or not same_images([*ours, *theirs]):
        return None
    a, b = replicates(ours, metric, category), replicates(theirs, metric, category)
    if a is None or b is None:
        return None
    low, high = interval(a - b)
    gap = values(ours, metric, category).mean() - values(theirs, metric, category).mean()
    return Comparison(100 * float(gap), 100 * low, 100 * high)


def same_images(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all runs were tested on the same images."""
    return len({record["data"]["fingerprint"] for record in records}) == 1


def defect_auroc(records: Sequence[Record], category: str) -> dict[str, np.ndarray]:
    """By defect type, (seeds,) image AUROC of that type alone against the category's normal images.

    NaN where the category has no normal test image.
    """
    by_type: dict[str, list[float | None]] = {}
    for record in records:
        types = np.array([name for name, n in record["evidence"][category]["defects"] for _ in range(n)])
        scores, labels = scores_and_labels(record, category)
        for defect in dict.fromkeys(types[labels == 1]):
            images = (labels == 0) | (types == defect)
            by_type.setdefault(str(defect), []).append(auroc(scores[images], labels[images]).value)
    return {defect: np.array(aurocs, float) for defect, aurocs in by_type.items()}


def patch_error_ratio(records: Sequence[Record]) -> np.ndarray:
    """Mean error on anomalous patches over that on normal ones, (seeds,), averaged over categories; 1: no difference.

    Implements {eq}`eq-ratio`. Every category of the records needs masks.
    """
    errors = [[record["evidence"][c]["patch_error"] for c in record["classes"]] for record in records]
    return np.array([np.mean([e["anomalous"] / e["normal"] for e in of_run]) for of_run in errors])
