"""Every exercise tells right from wrong: its check takes the solution that the book gives and refuses a wrong answer.

An exercise is three cells in a row: the reader's answer (tag `exercise`), its check (tag `exercise-check`, with one
wrong answer in the cell's metadata as `wrong`), and a hidden solution whose first listing replaces the answer cell.
"""

import ast
import json
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from gradlib.paths import repository

BOOK = repository() / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.ipynb"))
UNTRIED = "not tried yet"
LISTING = re.compile(r"<details>\s*<summary>[^\n]*</summary>\n\n.*?```python\n(.+?)```.*</details>", re.DOTALL)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


@dataclass(frozen=True)
class Exercise:
    """The three cells of one exercise."""

    answer: str
    check: str
    wrong: str
    solution: str


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def exercises(notebook: NotebookNode) -> list[Exercise]:
    found, cells = [], notebook.cells
    for i, cell in enumerate(cells):
        if "exercise" not in tags(cell):
            continue
        check, solution = cells[i + 1], LISTING.search(cells[i + 2].source)
        assert "exercise-check" in tags(check), f"{cell.id}: the next cell is not its check"
        assert solution, f"{cell.id}: no solution with a listing in <details> after the check"
        assert check.metadata.get("wrong"), f"{check.id}: no wrong answer in its metadata"
        found.append(Exercise(cell.source, check.source, check.metadata["wrong"], solution[1]))
    return found


def scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from scopes(child)


def names(source: str) -> tuple[set[str], set[str], set[str]]:
    """Global names that a cell makes, those whose items it sets, and those that it uses."""
    top, *inner = scopes(symtable.symtable(source, "cell", "exec"))
    made = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    used |= {symbol.get_name() for table in inner for symbol in table.get_symbols() if symbol.is_global()}
    stored = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Subscript | ast.Attribute)]
    changed = {ast.unparse(node).split("[")[0].split(".")[0] for node in stored if isinstance(node.ctx, ast.Store)}
    return made, changed, used


def needed(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells on which the exercises depend, in order: evidence that no exercise asks for is left out."""
    kept: list[NotebookNode] = []
    wanted: set[str] = set()
    solutions = iter([f"{exercise.solution}\n{exercise.wrong}" for exercise in reversed(exercises(notebook))])
    for cell in reversed([cell for cell in notebook.cells if cell.cell_type == "code"]):
        made, changed, used = names(cell.source)
        if "exercise" in tags(cell):
            used |= names(next(solutions))[2]
        elif "exercise-check" not in tags(cell) and not (made | changed) & wanted:
            continue
        kept.insert(0, cell)
        wanted = (wanted - made) | used
    return kept


def tried(exercise: Exercise, number: int) -> list[NotebookNode]:
    """Cells that put in the wrong answer, which must be refused in words, and then the right one."""
    refused = [
        f"{exercise.wrong}\ntry:\n    exec({exercise.check!r})\nexcept AssertionError as refusal:",
        f'    assert str(refusal), "refused without a word"\n    print("exercise {number} refuses a wrong answer")',
        f'else:\n    raise RuntimeError("exercise {number} takes a wrong answer for right")',
    ]
    right = exercise.solution
    return [nbformat.v4.new_code_cell("\n".join(refused)), *map(nbformat.v4.new_code_cell, (right, exercise.check))]


@each_chapter
def test_chapter_has_two_exercises_with_all_their_parts(chapter: Path) -> None:
    notebook = nbformat.read(chapter, as_version=4)
    found = exercises(notebook)
    assert len(found) >= 2
    assert len(found) == sum("exercise-check" in tags(cell) for cell in notebook.cells)
    for exercise in found:
        assert UNTRIED in exercise.check, "an answer that was not tried is no error"
        assert "assert " in exercise.check


@each_chapter
def test_checks_take_the_solution_and_refuse_a_wrong_answer(chapter: Path, tmp_path: Path) -> None:
    """In the chapter's own kernel, after all cells that the exercise builds on; nbmake runs the others."""
    notebook, cells = nbformat.read(chapter, as_version=4), []
    found = iter(enumerate(exercises(notebook), start=1))
    for cell in needed(notebook):
        cells.append(cell)
        if "exercise-check" in tags(cell):
            number, exercise = next(found)
            cells += tried(exercise, number)
    notebook.cells = cells
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": BOOK}}).execute()
    said = [json.dumps(cell.get("outputs", [])) for cell in notebook.cells if cell.cell_type == "code"]
    for i, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        if "exercise-check" in tags(cell):
            assert UNTRIED in said[i]
            assert "refuses a wrong answer" in said[i + 1]
            assert UNTRIED not in said[i + 3]
