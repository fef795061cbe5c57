"""Exercises as the chapters hold them, and the trial of each in the kernel of `pytest --nbmake book/`.

An exercise is three cells in a row: the reader's answer (tag `exercise`), its check (tag `exercise-check`, with one
wrong answer in the cell's metadata as `wrong`), and a hidden solution whose first listing replaces the answer cell.
nbmake runs `trial` after the check, by the `post_cell_execute` of the check's metadata: the chapter's other cells have
run by then, once, and later ones work with the solution, as they do for a reader who solved it.
"""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from IPython import get_ipython
from nbformat import NotebookNode

UNTRIED = "not tried yet"
LISTING = re.compile(r"<details>\s*<summary>[^\n]*</summary>\n\n.*?```python\n(.+?)```.*</details>", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """The cells of one exercise."""

    id: str  # of the check
    answer: str
    check: str
    wrong: str
    solution: str
    after: tuple[str, ...]  # what nbmake runs after the check


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def exercises(chapter: Path) -> list[Exercise]:
    """Those of a notebook in order; an assert names the cell that has no check, solution or wrong answer."""
    found, cells = [], nbformat.read(chapter, as_version=4).cells
    for i, cell in enumerate(cells):
        if "exercise" not in tags(cell):
            continue
        check, solution = cells[i + 1], LISTING.search(cells[i + 2].source)
        assert "exercise-check" in tags(check), f"{cell.id}: the next cell is not its check"
        assert solution, f"{cell.id}: no solution with a listing in <details> after the check"
        assert check.metadata.get("wrong"), f"{check.id}: no wrong answer in its metadata"
        after = check.metadata.get("nbmake", {}).get("post_cell_execute", ())
        found.append(Exercise(check.id, cell.source, check.source, check.metadata["wrong"], solution[1], tuple(after)))
    return found


def lines_after(chapter: str, check_id: str) -> tuple[str, ...]:
    """What the metadata of a check must hold: nbmake runs it in the chapter's folder."""
    return (
        "import sys; sys.path.append('../tests')",
        f"import exercises; exercises.trial_here('{chapter}', '{check_id}')",
    )


def trial_here(chapter: str, check_id: str) -> None:
    """The trial of one exercise among the names of the kernel that calls."""
    (exercise,) = (one for one in exercises(Path(f"{chapter}.ipynb")) if one.id == check_id)
    trial(exercise, get_ipython().user_ns)


def trial(exercise: Exercise, names: dict[str, Any]) -> None:
    """The check must take the blank for not tried, refuse the wrong answer in words and take the solution."""
    run(exercise.answer, names)
    assert UNTRIED in run(exercise.check, names), f"{exercise.id}: a blank answer is not told"
    run(exercise.wrong, names)
    try:
        run(exercise.check, names)
    except AssertionError as refusal:
        assert str(refusal), f"{exercise.id}: refuses a wrong answer without a word"  # noqa: PT017 (its words are asked)
    else:
        raise AssertionError(f"{exercise.id}: takes a wrong answer for right")
    run(exercise.solution, names)
    assert UNTRIED not in run(exercise.check, names), f"{exercise.id}: the solution leaves it untried"


def run(source: str, names: dict[str, Any]) -> str:
    """What a cell prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "<exercise>", "exec"), names)
    return printed.getvalue()
