"""The differences between the paper and its released program: data/differences.yaml, checked and as tables.

Explained in {ref}`ch-paper-code`.
"""

import dataclasses
import importlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from IPython.display import Markdown

from gradbook.page import markdown_table
from gradbook.paths import repository, results_folder
from gradbook.study.bootstrap import verdict
from gradbook.study.run_tables import HEADINGS, mean_and_spread
from gradbook.study.statistics import Record, difference, read_group
from gradlib.errors import InputError

PARTS = {
    "model": "The model",
    "training": "Training",
    "evaluation": "Evaluation",
    "released": "What the released program offers",
}


@dataclass(frozen=True)
class Difference:
    """One row: what the paper says, what the program does in its first and its final version, and what gradlib does."""

    id: str
    part: str  # one of PARTS
    topic: str
    paper: str
    first: str
    ours: str
    final: str = ""  # empty: as the first
    set: Mapping[str, Any] = field(default_factory=dict)  # name in gradlib -> value that does as released, or None
    here: bool = False  # shown or measured on the page of the differences
    chapters: Sequence[str] = ()  # labels of chapters that show it
    runs: Sequence[str] = ()  # group/row of the plan
    unmeasured: str = ""  # why there is no number

    def released(self) -> str:
        """Both versions in one cell, or one text where they agree."""
        return f"first: {self.first}; final: {self.final}" if self.final else self.first

    def switch(self) -> list[str]:
        """The fields or arguments that switch it, each with the value that does as released."""
        return [shown(name, value) for name, value in self.set.items()]


def read_differences(path: Path | None = None) -> list[Difference]:
    """All rows in order; path: else data/differences.yaml. Raises InputError if it does not fit its schema."""
    folder = repository() / "data"
    path = path or folder / "differences.yaml"
    schema = json.loads((folder / "differences.schema.json").read_text(encoding="utf-8"))
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(rows)
    except (OSError, yaml.YAMLError, jsonschema.ValidationError) as error:
        message = getattr(error, "message", str(error))
        raise InputError(f"{path} is no list of differences ({message}): see data/differences.schema.json.") from error
    return [Difference(**row) for row in rows]


def resolve(name: str) -> Any:
    """What a name of `set` stands for: an object, a dataclass's field or a function's parameter.

    Raises InputError if gradlib has no such thing.
    """
    path, _, argument = name.rstrip(")").partition("(")
    parts = path.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        rest = parts[split:]
        break
    else:
        raise InputError(f"{name} begins with no module: write it from gradlib on.")
    try:
        for attribute in rest:
            fields = {f.name: f for f in dataclasses.fields(found)} if dataclasses.is_dataclass(found) else {}
            found = fields[attribute] if attribute in fields else getattr(found, attribute)
        return inspect.signature(found).parameters[argument] if argument else found
    except (AttributeError, KeyError) as error:
        raise InputError(f"{name} does not exist ({error}): it was renamed, or the name is misspelt.") from error


def shown(name: str, value: Any) -> str:
    """A name of `set` and its value as a table shows them: the last parts of the name as code, the value as words."""
    path, bracket, argument = name.partition("(")
    parts = path.split(".")
    short = ".".join(parts[-2:] if parts[-2][0].isupper() else parts[-1:])
    return f"`{short}{bracket}{argument}`" if value is None else f"`{short}{bracket}{argument}` = {value}"


def effect(row: Difference, recorded: Mapping[str, int]) -> str:
    """Where the effect is to be seen: chapters, runs and how many of them are recorded, or the reason why nowhere.

    recorded: by group/row.
    """
    told = ["below"] if row.here else []
    told += [f"{{ref}}`{label}`" for label in row.chapters]
    told += [f"`{run}`, {recorded[run]} runs" if recorded.get(run) else f"`{run}`, planned" for run in row.runs]
    return "; ".join(told + ([f"no: {row.unmeasured}"] if row.unmeasured else []))


def count_recorded(rows: Sequence[Difference], folder: Path | None = None) -> dict[str, int]:
    """By group/row, how many records lie in the results folder for the runs that the rows name."""
    folder, names = folder or results_folder(), {run for row in rows for run in row.runs}
    counts: dict[str, int] = {}
    for group in sorted({name.split("/")[0] for name in names}):
        found = read_group(group, folder=folder)
        counts |= {name: len(found.get(name.split("/")[1], [])) for name in names if name.split("/")[0] == group}
    return counts


def difference_table(rows: Sequence[Difference], part: str, recorded: Mapping[str, int]) -> Markdown:
    """The rows of one part: topic, paper, released program; what gradlib does, its switches, and where to see it."""
    lines = []
    for row in rows:
        if row.part == part:
            ours = "<br>".join([row.ours, *row.switch(), f"*measured?* {effect(row, recorded)}"])
            lines.append([row.topic, row.paper, row.released(), ours])
    heading = [PARTS[part], "paper", "released program", "gradlib, its switch, and where it is measured"]
    return markdown_table(heading, lines, text=len(heading))


@dataclass(frozen=True)
class Effect:
    """A changed choice against the reference on one metric: points of difference and the paired 95 % interval."""

    value: str  # percent, mean ± deviation over seeds
    runs: int
    middle: float  # points
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """By the rule that is written down before the numbers: where the interval lies."""
        return verdict(self.low, self.high, "above", "below", "contains 0")


def effects(reference: Sequence[Record], rows: Mapping[str, Sequence[Record]], metric: str) -> dict[str, Effect | None]:
    """Each row minus the reference; None where a record is missing or the metric is undefined."""
    found: dict[str, Effect | None] = {}
    for name, records in rows.items():
        gap = difference(records, reference, metric) if records and reference else None
        if gap is None:
            found[name] = None
            continue
        middle, low, high = (100 * value for value in gap)
        found[name] = Effect(mean_and_spread(records, metric), len(records), middle, low, high)
    return found


def effect_table(found: Mapping[str, Effect | None], metric: str, missing: str) -> Markdown:
    """One line for each changed choice: the metric, the difference with its interval, and where that lies.

    missing: what stands where there is no record.
    """
    lines = []
    for name, one in found.items():
        cells = ["–", missing, "–"]
        if one is not None:
            cells = [one.value, f"{one.middle:+.2f} ({one.low:+.2f} to {one.high:+.2f})", one.verdict]
        lines.append([name, *cells])
    return markdown_table(["change", f"{HEADINGS[metric]}, %", "difference (95 % interval)", "interval"], lines)
