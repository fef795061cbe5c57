"""The seven metrics on as many pixels as MVTec AD's test images have, compared with scikit-learn's.

Scores and masks are random: three images of four have one square defect, whose pixels score higher.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from gradbook.bench.timing import peak_bytes, resident_bytes, summary
from gradlib.metrics.evaluation import evaluate

IMAGES, S = 1725, 224  # 86.6 million pixels
OURS, SKLEARN = "ours", "scikit-learn"

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # maps, image scores, labels, masks


def random_arrays(images: int) -> Arrays:
    """Maps (N, S, S), image scores (N,), labels (N,) and masks (N, S, S)."""
    random = np.random.default_rng(0)
    masks = np.zeros((images, S, S), bool)
    for mask in masks[: images * 3 // 4]:
        row, column, side = *random.integers(0, S // 2, 2), random.integers(2, S // 2)
        mask[row : row + side, column : column + side] = True
    maps = random.standard_normal(masks.shape, np.float32)
    maps[masks] += 1
    return maps, maps.max(axis=(1, 2)), np.any(masks, axis=(1, 2)), masks


def evaluate_by_sklearn(
    maps: np.ndarray, image_scores: np.ndarray, labels: np.ndarray, masks: np.ndarray
) -> dict[str, float]:
    """The six of the seven metrics that scikit-learn has."""
    values = {}
    for level, scores, truth in (("image", image_scores, labels), ("pixel", maps.ravel(), masks.ravel())):
        precision, recall, _ = precision_recall_curve(truth, scores)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
        values[f"{level}_auroc"] = float(roc_auc_score(truth, scores))
        values[f"{level}_ap"] = float(average_precision_score(truth, scores))
        values[f"{level}_f1max"] = float(f1.max())
    return values


def evaluate_once(way: str, images: int) -> dict[str, Any]:
    """One evaluation in this process: values, seconds, peak bytes, and the bytes before it and of its inputs."""
    arrays = random_arrays(images)
    before, began = resident_bytes(), time.perf_counter()
    if way == OURS:
        values = {name: metric.value for name, metric in evaluate(*arrays).items()}
    else:
        values = dict(evaluate_by_sklearn(*arrays))
    seconds, peak = time.perf_counter() - began, peak_bytes()
    inputs = sum(array.nbytes for array in arrays)
    return {"values": values, "seconds": seconds, "peak": peak, "before": before, "inputs": inputs}


def evaluate_in_new_process(way: str) -> dict[str, Any]:
    """As `evaluate_once`, on all IMAGES."""
    command = [sys.executable, "-m", "gradbook.bench.metrics", way, str(IMAGES)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(rounds: int) -> dict[str, Any]:
    """The record's section: seconds, peak bytes and values of both ways, each run in a process of its own."""
    runs: dict[str, list[dict[str, Any]]] = {OURS: [], SKLEARN: []}
    for _ in range(max(2, rounds // 3)):
        for way, results in runs.items():
            results.append(evaluate_in_new_process(way))
    return {"pixels": IMAGES * S * S, "by_way": {way: summary_of_runs(results) for way, results in runs.items()}}


def summary_of_runs(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The runs of one way, as the record holds them."""
    return {
        "seconds": summary([result["seconds"] for result in results]),
        "peak_bytes": max(result["peak"] for result in results),
        "before_bytes": min(result["before"] for result in results),
        "input_bytes": results[0]["inputs"],
        "values": results[0]["values"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One evaluation, as JSON.")
    parser.add_argument("way", choices=(OURS, SKLEARN))
    parser.add_argument("images", type=int)
    options = parser.parse_args()
    print(json.dumps(evaluate_once(options.way, options.images)))
