"""The results of a run on disk: one JSON file with numbers and provenance, and one file with the scores of all images.

Chapters and tables read only these; no measured number is typed by hand.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gradlib.errors import InputError
from gradlib.files import replace_file

SCHEMA = 2
RESULTS, SCORES = "results.json", "scores.npz"


@dataclass(frozen=True)
class Scores:
    """The test images of a run with their labels and the method's output; N rows."""

    image: np.ndarray  # (N,) paths relative to the dataset's root
    category: np.ndarray  # (N,)
    defect: np.ndarray  # (N,) "good" where normal
    label: np.ndarray  # (N,) 0 normal, 1 anomalous
    score: np.ndarray  # (N,) image scores
    d: np.ndarray  # (N, H, W) Eq. 8 or the method's own map, before any resizing


def write_run(folder: Path, record: Mapping[str, Any], scores: Scores) -> None:
    """Write the scores, then the results: a folder with a results.json is a finished run."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{SCORES}.part.npz"
    np.savez_compressed(part, **vars(scores))
    replace_file(part, folder / SCORES)
    write_json(folder / RESULTS, {"schema": SCHEMA, **record})


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Replace `path` in one step, sealed by a digest of its content; NaN is refused, since JSON has none."""
    part = path.with_name(path.name + ".part")
    sealed = {**record, "digest": digest(record)}
    part.write_text(json.dumps(sealed, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    replace_file(part, path)


def digest(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record without its own digest."""
    content = {key: value for key, value in record.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()


def read_results(path: Path | str) -> dict[str, Any]:
    """The record of a run: its folder or its JSON file. Raises InputError if it is missing or damaged."""
    path = Path(path)
    path = path / RESULTS if path.is_dir() else path
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There are no results at {path}: run the training chapter with this OUT first.") from None
    except ValueError as error:  # not JSON, or not text
        raise InputError(f"{path} is not valid JSON ({error}): delete it and run again.") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise InputError(f"{path} is not a result of this version of gradlib (schema {SCHEMA}): run again.")
    return record


def read_scores(folder: Path | str) -> Scores:
    """The scores of a finished run. Raises InputError if they are missing or damaged."""
    path = Path(folder) / SCORES
    try:
        with np.load(path, allow_pickle=False) as file:
            return Scores(**{name: file[name] for name in Scores.__dataclass_fields__})
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise InputError(f"The scores at {path} cannot be read ({error}): delete the folder and run again.") from error
