"""Book and library name each other rightly: labels in docstrings exist, objects in the notation exist."""

import ast
import importlib
import re

import pytest
from pages import BOOK, words

from gradlib.paths import repository


def docstring_labels():
    labels = set()
    for path in (repository() / "gradlib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                labels |= set(re.findall(r"\{ref\}`([\w-]+)`", ast.get_docstring(node) or ""))
    return sorted(labels)


def notation_objects():
    text = (BOOK / "notation.md").read_text(encoding="utf8")
    return sorted(set(re.findall(r"`(gradlib\.[\w.]+)`", text)))


@pytest.mark.parametrize("label", docstring_labels())
def test_labels_in_docstrings_are_in_the_book(label):
    assert f"({label})=" in words()


@pytest.mark.parametrize("name", notation_objects())
def test_objects_in_the_notation_exist(name):
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[split:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"{name} cannot be imported")


def test_both_lists_are_long_enough_to_mean_something():
    assert len(docstring_labels()) >= 2
    assert len(notation_objects()) >= 15


def test_configuration_fields_are_in_the_notation():
    text = (BOOK / "notation.md").read_text(encoding="utf8")
    for field in ("mse_threshold", "lambda_mse", "local_dim", "local_resolution", "jitter_std", "standardise"):
        assert field in text
