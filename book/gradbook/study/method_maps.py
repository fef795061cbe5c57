"""Maps of several methods side by side (Fig. 5 and 6), committed, so that no chapter has to train a peer.

python -m gradbook.study.method_maps        makes the runs that are missing, then data/results/maps/elpv.json
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gradbook.paths import results_folder
from gradbook.study.execution import run
from gradbook.study.plan import read_plan
from gradbook.study.provenance import provenance
from gradbook.study.record import Scores, digest, read_results, read_scores, write_json
from gradlib.errors import InputError

RUNS = {"GRAD": "grad-elpv-unified-seed0", "UniAD": "peers-elpv-uniad-seed0", "kNN": "peers-elpv-knn-seed0"}
IMAGES = 8


@dataclass(frozen=True)
class MethodMaps:
    """The maps of the same n test images by each method."""

    images: list[str]  # paths relative to the data set's root
    d: dict[str, np.ndarray]  # method: (n, H, W)
    normal_top: dict[str, float]  # method: the largest d of all normal test images, where its colour scale ends


def evenly_spaced(label: np.ndarray, n: int) -> np.ndarray:
    """The rows of n anomalous images (n,), evenly spaced in the order of the data set: no score decides.

    label (N,): 0 normal, 1 anomalous.
    """
    anomalous = np.flatnonzero(label == 1)
    return anomalous[(np.arange(n) * len(anomalous)) // n + len(anomalous) // (2 * n)]


def map_to_text(d: np.ndarray) -> str:
    """A map (H, W) as one line of JSON: three decimals, rows separated by semicolons."""
    return ";".join(" ".join(f"{value:.3f}" for value in row) for row in d)


def map_from_text(text: str) -> np.ndarray:
    """The map (H, W) of a text by `map_to_text`."""
    return np.array([row.split() for row in text.split(";")], float)


def maps_of_runs(scores: Mapping[str, Scores], n: int = IMAGES) -> dict[str, Any]:
    """The maps of n anomalous images by each method, as JSON types.

    Raises InputError if the runs did not score the same images.
    """
    first = next(iter(scores.values()))
    for name, of_run in scores.items():
        if not np.array_equal(of_run.image, first.image):
            raise InputError(
                f"The run of {name} scored other images: make all runs of {list(scores)} on the same data."
            )
    rows = evenly_spaced(first.label, n)
    return {
        "images": first.image[rows].tolist(),
        "d": {name: [map_to_text(d) for d in of_run.d[rows]] for name, of_run in scores.items()},
        "normal_top": {name: round(float(of_run.d[of_run.label == 0].max()), 3) for name, of_run in scores.items()},
    }


def method_maps_file() -> Path:
    """Where the committed maps are."""
    return results_folder() / "maps" / "elpv.json"


def read_method_maps(path: Path | None = None) -> MethodMaps:
    """The committed maps. Raises InputError if the file is missing, damaged or was edited by hand."""
    path = path or method_maps_file()
    remedy = "make it again by `python -m gradbook.study.method_maps`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): {remedy}.") from error
    if content.get("digest") != digest(content):
        raise InputError(f"{path} was changed after it was written: {remedy}.")
    maps = {name: np.stack([map_from_text(text) for text in texts]) for name, texts in content["d"].items()}
    return MethodMaps(content["images"], maps, content["normal_top"])


def main() -> None:
    """Make the runs that are missing, and write the maps."""
    plan, scores, runs = read_plan(), {}, {}
    for method, name in RUNS.items():
        folder = run(plan[name].experiment, out=plan[name].folder())
        scores[method] = read_scores(folder)
        runs[method] = {"run": name, "commit": read_results(folder)["provenance"]["commit"]}
    path = method_maps_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**maps_of_runs(scores), "runs": runs, "provenance": provenance(torch.device("cpu"))})
    print(path)


if __name__ == "__main__":
    main()
