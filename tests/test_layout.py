"""The layout of the code: how long files and functions are, and what an import loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradbook.paths import repository

ROOT = repository()
LIBRARY, APPARATUS, TESTS = ROOT / "gradlib", ROOT / "book" / "gradbook", ROOT / "tests"
IN_AN_HOUR = (
    "config",
    "grids",
    "coordinates",
    "fusion",
    "refinement",
    "standardise",
    "model",
    "scores",
    "train",
)


def lines(paths: Iterator[Path] | list[Path]) -> int:
    return sum(len(path.read_text(encoding="utf8").splitlines()) for path in paths)


def sources() -> list[Path]:
    return [path for folder in (LIBRARY, APPARATUS, ROOT / "book" / "_ext") for path in folder.rglob("*.py")]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with its number of lines, decorators and docstring included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, node.end_lineno - first + 1


def test_the_library_is_small() -> None:
    assert lines(LIBRARY.rglob("*.py")) <= 4_600
    assert lines(LIBRARY.glob("*.py")) <= 1_700
    assert lines([LIBRARY / f"{name}.py" for name in IN_AN_HOUR]) <= 950


def test_no_file_is_long() -> None:
    assert len(sources()) > 100
    scripts = [*(APPARATUS / "living" / "js").glob("*.js")]
    assert not {path.name: n for path in [*sources(), *scripts] if (n := lines([path])) > 250}
    assert not {path.name: n for path in TESTS.rglob("*.py") if (n := lines([path])) > 300}


def test_no_function_is_long() -> None:
    assert not {f"{path.stem}.{name}": n for path in sources() for name, n in functions(path) if n > 40}


def loaded_by(statement: str) -> set[str]:
    """The top-level names of the modules that a fresh process has loaded after a statement."""
    script = f"{statement}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_the_core_loads_nothing_but_torch_and_numpy() -> None:
    beside = loaded_by("import torch, numpy, lazy_loader")
    assert loaded_by("import gradlib.model, gradlib.scores") - beside == {"gradlib"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import gradlib", {"torch", "numpy", "PIL", "timm"}),
        ("import gradlib.deploy.judge", {"torch", "timm", "lightning_fabric", "skimage", "sklearn", "pandas"}),
        ("import gradlib.train, gradlib.checkpoint", {"lightning_fabric", "timm", "PIL", "scipy"}),
        ("import gradlib.data.readers", {"torch", "scipy", "skimage"}),
        ("from gradbook.study import read_group, compare", {"torch", "timm", "lightning_fabric"}),
    ],
)
def test_an_import_loads_only_what_it_needs(statement: str, absent: set[str]) -> None:
    assert not loaded_by(statement) & absent
