"""Book and library name each other rightly: labels in docstrings exist, objects that pages name exist."""

import ast
import re

import pytest

from gradbook.paths import repository
from gradbook.study.released_differences import resolve
from pages import BOOK, words


def docstring_labels():
    labels = set()
    for path in (repository() / "gradlib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                labels |= set(re.findall(r"\{ref\}`([\w-]+)`", ast.get_docstring(node) or ""))
    return sorted(labels)


def named_objects():
    return sorted(set(re.findall(r"`(gradlib\.[\w.]+)`", words())))


@pytest.mark.parametrize("label", docstring_labels())
def test_labels_in_docstrings_are_in_the_book(label):
    assert f"({label})=" in words()


@pytest.mark.parametrize("name", named_objects())
def test_objects_that_pages_name_exist(name):
    resolve(name)  # refuses a name that gradlib does not have


def test_both_lists_are_long_enough_to_mean_something():
    assert len(docstring_labels()) >= 2
    assert len(named_objects()) >= 15


def test_configuration_fields_are_in_the_notation():
    text = (BOOK / "notation.md").read_text(encoding="utf8")
    for field in ("mse_threshold", "lambda_mse", "local_dim", "local_resolution", "jitter_std", "standardise"):
        assert field in text
