"""The differences between the paper and its released program: data/differences.yaml, checked and as tables.

Explained in {ref}`ch-paper-code`.
"""

import inspect
import json
import pkgutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from IPython.display import Markdown

from gradbook.page import markdown_table
from gradbook.paths import repository
from gradbook.study.plan import read_plan
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
    on_page: bool = False  # shown or measured on the page of the differences
    chapters: Sequence[str] = ()  # labels of chapters that show it
    runs: Sequence[str] = ()  # group/row of the plan
    unmeasured: str = ""  # why there is no number

    def released(self) -> str:
        """Both versions in one cell, or one text where they agree."""
        return f"first: {self.first}; final: {self.final}" if self.final else self.first

    def switch(self) -> list[str]:
        """The fields or arguments that switch it, each with the value that does as released."""
        return [as_code(name, value) for name, value in self.set.items()]


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
    """The object that a name of `set` stands for, a dataclass's field and a function's parameter included.

    Raises InputError if gradlib has no such thing.
    """
    path, _, argument = name.rstrip(")").partition("(")
    owner, _, attribute = path.rpartition(".")
    try:
        fields = getattr(pkgutil.resolve_name(owner), "__dataclass_fields__", {})
        thing = fields[attribute] if attribute in fields else pkgutil.resolve_name(path)
        return inspect.signature(thing).parameters[argument] if argument else thing
    except (ImportError, AttributeError, KeyError, ValueError) as error:
        raise InputError(f"{name} does not exist ({error}): write its full path, from gradlib on.") from error


def as_code(name: str, value: Any) -> str:
    """A name of `set` and its value as a table cell: the last parts of the name as code, the value as text."""
    path, bracket, argument = name.partition("(")
    parts = path.split(".")
    short = ".".join(parts[-2:] if parts[-2][0].isupper() else parts[-1:])
    return f"`{short}{bracket}{argument}`" if value is None else f"`{short}{bracket}{argument}` = {value}"


def measured_in(row: Difference, recorded: Mapping[str, int]) -> str:
    """Where the effect of a difference can be seen: on the page, in chapters, in runs; or the reason why nowhere.

    recorded: how many runs are recorded, by group/row.
    """
    places = ["below"] if row.on_page else []
    places += [f"{{ref}}`{label}`" for label in row.chapters]
    places += [f"`{run}`, {recorded[run]} runs" if recorded.get(run) else f"`{run}`, planned" for run in row.runs]
    return "; ".join(places + ([f"no: {row.unmeasured}"] if row.unmeasured else []))


def count_recorded(rows: Sequence[Difference]) -> dict[str, int]:
    """How many records each of the runs has that the rows name, by group/row."""
    counts = Counter(f"{p.group}/{p.row}" for p in read_plan().values() if p.record().exists())
    return {run: counts[run] for row in rows for run in row.runs}


def difference_table(rows: Sequence[Difference], part: str, recorded: Mapping[str, int]) -> Markdown:
    """The rows of one part: topic, paper, released program; what gradlib does, its switches, and where to see it."""
    lines = []
    for row in rows:
        if row.part == part:
            ours = "<br>".join([row.ours, *row.switch(), f"*measured?* {measured_in(row, recorded)}"])
            lines.append([row.topic, row.paper, row.released(), ours])
    heading = [PARTS[part], "paper", "released program", "gradlib, its switch, and where it is measured"]
    return markdown_table(heading, lines, text=len(heading))
