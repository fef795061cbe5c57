"""The seven metrics on as many pixels as MVTec AD's test photographs have, beside scikit-learn's.

Scores and masks are drawn at random: one square defect in three photographs of four, whose pixels score higher.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from gradbook.bench.timing import own_peak, resident, summary
from gradlib.metrics.evaluation import evaluate

IMAGES, S = 1725, 224  # 86.6 million pixels


def drawn(images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Maps, scores, labels and masks."""
    random = np.random.default_rng(0)
    masks = np.zeros((images, S, S), bool)
    for mask in masks[: images * 3 // 4]:
        row, column, side = *random.integers(0, S // 2, 2), random.integers(2, S // 2)
        mask[row : row + side, column : column + side] = True
    maps = random.standard_normal(masks.shape, np.float32)
    maps[masks] += 1
    return maps, maps.max(axis=(1, 2)), masks.any(axis=(1, 2)), masks


def by_scikit_learn(maps: np.ndarray, image_scores: np.ndarray, labels: np.ndarray, masks: np.ndarray) -> dict:
    """The six of the seven that scikit-learn has."""
    found = {}
    for level, scores, truth in (("image", image_scores, labels), ("pixel", maps.ravel(), masks.ravel())):
        precision, recall, _ = precision_recall_curve(truth, scores)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
        found[f"{level}_auroc"] = float(roc_auc_score(truth, scores))
        found[f"{level}_ap"] = float(average_precision_score(truth, scores))
        found[f"{level}_f1max"] = float(f1.max())
    return found


def once(who: str, images: int) -> dict[str, Any]:
    """One evaluation in this process: values, seconds, and bytes beside what was there before it."""
    given = drawn(images)
    before, began = resident(), time.perf_counter()
    if who == "ours":
        values = {name: metric.value for name, metric in evaluate(*given).items()}
    else:
        values = by_scikit_learn(*given)
    seconds, peak = time.perf_counter() - began, own_peak()
    inputs = sum(array.nbytes for array in given)
    return {"values": values, "seconds": seconds, "peak": peak, "before": before, "inputs": inputs}


def in_a_process(who: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "gradbook.bench.metrics", who, str(IMAGES)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(rounds: int) -> dict[str, Any]:
    """Seconds, peak bytes and values of both, each in processes of its own, in turn."""
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "scikit-learn": []}
    for _ in range(max(2, rounds // 3)):
        for who, found in runs.items():
            found.append(in_a_process(who))
    return {
        "pixels": IMAGES * S * S,
        "by_way": {
            who: {
                "seconds": summary([run["seconds"] for run in found]),
                "peak_bytes": max(run["peak"] for run in found),
                "before_bytes": min(run["before"] for run in found),
                "input_bytes": found[0]["inputs"],
                "values": found[0]["values"],
            }
            for who, found in runs.items()
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One evaluation, as JSON.")
    parser.add_argument("who", choices=("ours", "scikit-learn"))
    parser.add_argument("images", type=int)
    given = parser.parse_args()
    print(json.dumps(once(given.who, given.images)))
