"""Writing and reading the records of measurements."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from gradbook.paths import results_folder
from gradbook.study.provenance import provenance
from gradbook.study.record import write_json
from gradlib.errors import InputError

SCHEMA = 1  # of the record, under its key "cost"
RECORD = "cost/cost.json"  # in gradbook.paths.results_folder()


MAKE = "`python -m gradbook.bench.cost` makes it in a few minutes."


def read_cost(path: Path | None = None) -> dict[str, Any]:
    """The record of `gradbook.bench.cost`. Raises InputError if it is missing or of another kind."""
    return read_measured(results_folder() / RECORD if path is None else path, "cost", SCHEMA, MAKE)


def read_measured(path: Path, kind: str, schema: int, make: str) -> dict[str, Any]:
    """A record written by a measurement, whose key `kind` holds the number `schema`; make: how to make the record.

    Raises InputError if it is missing, not JSON, or of another kind or schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no record of {kind} at {path}: {make}") from None
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): delete it; {make}") from error
    if not isinstance(record, dict) or record.get(kind) != schema:
        raise InputError(f"{path} is not a record of {kind} of version {schema}: delete it; {make}")
    return record


def write_measured(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record in one step, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def timestamp() -> str:
    """The time of day in UTC, "2026-01-31T12:00:00+00:00"."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def seconds_and_origin(began: float) -> dict[str, Any]:
    """The end of a record of the CPU: seconds since `began` (time.perf_counter), the time of day, and provenance."""
    return {
        "seconds": round(time.perf_counter() - began),
        "finished": timestamp(),
        "provenance": provenance(torch.device("cpu")),
    }
