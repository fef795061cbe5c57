"""The reference pages list the whole library; its extension and that of the launch buttons do what they say."""

import pkgutil
import re

import pytest

import gradlib
from pages import BOOK, extension

API = "".join((BOOK / page).read_text(encoding="utf8") for page in ("api.md", "api_figures.md"))
MODULES = [module.name for module in pkgutil.walk_packages(gradlib.__path__, "gradlib.")]


def test_every_module_is_on_one_of_the_pages_once() -> None:
    assert sorted(re.findall(r"^\.\. automodule:: (\S+)$", API, re.MULTILINE)) == sorted(MODULES)


@pytest.mark.parametrize(
    ("line", "restructured"),
    [
        ("Reads `G` at v; explained in {ref}`ch-grid-1d`.", "Reads ``G`` at v; explained in :ref:`ch-grid-1d`."),
        ("(B, C*H*W), |1 - S|, b_", r"(B, C\*H\*W), \|1 - S\|, b\_"),
        ("`a_b * c|`", "``a_b * c|``"),
        ("no markup at all", "no markup at all"),
    ],
)
def test_a_docstring_is_translated(line: str, restructured: str) -> None:
    assert extension("reference").as_restructured(line) == restructured


@pytest.mark.parametrize(
    ("declared", "remote", "name"),
    [
        (None, "https://github.com/someone/grad-book.git\n", "someone/grad-book"),
        (None, "git@github.com:someone/grad.book.git", "someone/grad.book"),
        ("owner/fork", "https://github.com/someone/grad-book", "owner/fork"),
        (None, "https://example.org/someone/grad-book.git", None),
        (None, "", None),
    ],
)
def test_the_repository_is_found_or_no_button_is_shown(declared: str | None, remote: str, name: str | None) -> None:
    assert extension("launch").repository_name(declared, remote) == name


def test_without_git_no_repository_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert extension("launch").origin() == ""
