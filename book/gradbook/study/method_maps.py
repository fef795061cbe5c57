"""Maps of several methods side by side (Fig. 5 and 6), kept in the ledger so that no chapter has to train a peer.

python -m gradbook.study.method_maps        makes the runs where they are missing, then data/results/maps/elpv.json
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
SHOWN = 8


@dataclass(frozen=True)
class Exhibit:
    """The same test images under each method."""

    images: list[str]  # paths relative to the data set's root
    d: dict[str, np.ndarray]  # method: (n, H, W)
    normal_top: dict[str, float]  # method: the largest d of all normal test images, the end of its colour scale


def evenly_spaced(label: np.ndarray, n: int) -> np.ndarray:
    """n of the defective images in the order of the data set, evenly spaced: chosen without a look at any score."""
    defective = np.flatnonzero(label == 1)
    return defective[(np.arange(n) * len(defective)) // n + len(defective) // (2 * n)]


def written(d: np.ndarray) -> str:
    """A map as one line of JSON: rows apart by a semicolon, three decimals."""
    return ";".join(" ".join(f"{value:.3f}" for value in row) for row in d)


def as_map(line: str) -> np.ndarray:
    """(H, W) of what `written` wrote."""
    return np.array([row.split() for row in line.split(";")], float)


def of_runs(scores: Mapping[str, Scores], n: int = SHOWN) -> dict[str, Any]:
    """The exhibit as plain JSON types. Raises InputError where the runs did not score the same images."""
    first = next(iter(scores.values()))
    for name, found in scores.items():
        if not np.array_equal(found.image, first.image):
            raise InputError(f"The run of {name} scored other images: make all runs of the exhibit on the same data.")
    chosen = evenly_spaced(first.label, n)
    return {
        "images": first.image[chosen].tolist(),
        "d": {name: [written(d) for d in found.d[chosen]] for name, found in scores.items()},
        "normal_top": {name: round(float(found.d[found.label == 0].max()), 3) for name, found in scores.items()},
    }


def exhibit_file() -> Path:
    """Where the committed exhibit lies."""
    return results_folder() / "maps" / "elpv.json"


def read_exhibit(path: Path | None = None) -> Exhibit:
    """The committed exhibit. Raises InputError if it is missing, damaged or edited by hand."""
    path = path or exhibit_file()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): make it by `python -m gradbook.study.method_maps`."
        ) from error
    if kept.get("digest") != digest(kept):
        raise InputError(
            f"{path} was changed after it was made: make it anew by `python -m gradbook.study.method_maps`."
        )
    maps = {name: np.stack([as_map(line) for line in lines]) for name, lines in kept["d"].items()}
    return Exhibit(kept["images"], maps, kept["normal_top"])


def main() -> None:
    """Make or find the runs and write the exhibit."""
    plan, scores, origins = read_plan(), {}, {}
    for name, planned_name in RUNS.items():
        planned = plan[planned_name]
        folder = run(planned.experiment, out=planned.folder())
        scores[name], origins[name] = read_scores(folder), read_results(folder)["provenance"]["commit"]
    path = exhibit_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = {name: {"run": RUNS[name], "commit": commit} for name, commit in origins.items()}
    write_json(path, {**of_runs(scores), "runs": runs, "provenance": provenance(torch.device("cpu"))})
    print(path)


if __name__ == "__main__":
    main()
