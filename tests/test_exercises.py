"""Every exercise has all its parts, and its trial tells right from wrong; `pytest --nbmake book/` makes the trials."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from exercises import UNTRIED, Exercise, exercises, lines_after, tags, trial
from gradbook.paths import repository

CHAPTERS = sorted((repository() / "book").glob("[0-9]*.ipynb"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
CHECK = f"""
if answer is None:
    print("{UNTRIED}")
else:
    assert answer == right, "count again"
"""
SUM = Exercise("ex-sum-check", "answer = None", CHECK, "answer = 5", "answer = 4", ())


@each_chapter
def test_chapter_has_two_exercises_with_all_their_parts(chapter: Path) -> None:
    found = exercises(chapter)
    assert len(found) >= 2
    checks = [cell.id for cell in nbformat.read(chapter, as_version=4).cells if "exercise-check" in tags(cell)]
    assert [exercise.id for exercise in found] == checks
    for exercise in found:
        assert UNTRIED in exercise.check, "an answer that was not tried is no error"
        assert "assert " in exercise.check
        assert exercise.after == lines_after(chapter.stem, exercise.id), f"{exercise.id}: nbmake would not try it"


def test_trial_leaves_the_solution() -> None:
    names = {"right": 4}
    trial(SUM, names)
    assert names["answer"] == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wrong": "answer = 4"}, "takes a wrong answer"),
        ({"solution": "answer = 5"}, "count again"),
        ({"solution": "answer = None"}, "leaves it untried"),
        ({"check": CHECK.replace(', "count again"', "")}, "without a word"),
        ({"check": CHECK.replace(UNTRIED, "")}, "is not told"),
    ],
)
def test_trial_finds(change: dict[str, str], reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        trial(replace(SUM, **change), {"right": 4})


def write_chapter(path: Path, wrong: str) -> None:
    """A chapter of one exercise, whose check has this wrong answer in its metadata."""
    check_id = f"{path.stem}-check"
    after = {"post_cell_execute": list(lines_after(path.stem, check_id))}
    check = {"tags": ["exercise-check"], "wrong": wrong, "nbmake": after}
    cells = [
        nbformat.v4.new_code_cell("right = 2 + 2"),
        nbformat.v4.new_code_cell(SUM.answer, metadata={"tags": ["exercise"]}),
        nbformat.v4.new_code_cell(CHECK, id=check_id, metadata=check),
        nbformat.v4.new_markdown_cell(
            f"<details>\n<summary>Solution</summary>\n\n```python\n{SUM.solution}\n```\n\n</details>"
        ),
        nbformat.v4.new_code_cell("assert answer == 4"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of one nbmake run over a chapter that refuses its wrong answer and one that accepts it."""
    root = tmp_path_factory.mktemp("nbmake")
    (root / "tests").symlink_to(repository() / "tests")
    (root / "book").mkdir()
    for name, wrong in (("strict", "answer = 5"), ("lenient", "answer = 4")):
        write_chapter(root / "book" / f"{name}.ipynb", wrong)
    command = [sys.executable, "-m", "pytest", "--nbmake", "-rA", "--rootdir", root, "-p", "no:cacheprovider", "book"]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False).stdout


@pytest.mark.parametrize(("chapter", "outcome"), [("strict", "PASSED"), ("lenient", "FAILED")])
def test_nbmake_makes_the_trial(report: str, chapter: str, outcome: str) -> None:
    assert re.findall(rf"^(PASSED|FAILED|ERROR) book/{chapter}\.ipynb", report, re.MULTILINE) == [outcome], report
    assert (f"{chapter}-check: takes a wrong answer" in report) == (outcome == "FAILED")
