"""Records that benchmarks wrote, read back."""

import json
from pathlib import Path
from typing import Any

from gradbook.paths import results_folder
from gradlib.errors import InputError

SCHEMA = 1  # of the record, under its key "cost"
RECORD = "cost/cost.json"  # in gradbook.paths.results_folder()


MAKE = "`python -m gradbook.bench.cost` makes it in a few minutes."


def read_cost(path: Path | None = None) -> dict[str, Any]:
    """The record of `gradbook.bench.cost`. Raises InputError if it is missing or of another kind."""
    return read_measured(results_folder() / RECORD if path is None else path, "cost", SCHEMA, MAKE)


def read_measured(path: Path, kind: str, schema: int, make: str) -> dict[str, Any]:
    """A record that a benchmark wrote: its key `kind` holds `schema`, and `make` says how to make it.

    Raises InputError if it is missing, no JSON, or of another kind.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no record of {kind} at {path}: {make}") from None
    except ValueError as error:
        raise InputError(f"{path} is no valid JSON ({error}): delete it; {make}") from error
    if not isinstance(record, dict) or record.get(kind) != schema:
        raise InputError(f"{path} is no record of {kind} of this version ({kind} {schema}): delete it; {make}")
    return record
