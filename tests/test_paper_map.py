"""The page that maps the paper to the book names all its equations, tables and figures, and only labels that exist."""

import re

import pytest

from pages import BOOK, labels

MAP = (BOOK / "paper_map.md").read_text(encoding="utf8")
PAPER = [f"{kind} {n}" for kind, last in (("Eq.", 8), ("Table", 9), ("Fig.", 6)) for n in range(1, last + 1)]


@pytest.mark.parametrize("item", PAPER)
def test_item_of_the_paper_has_a_row_that_leads_somewhere(item: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(item)} \|.*$", MAP, re.MULTILINE)
    assert re.search(r"\{(ref|eq|numref)\}`", row)


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\{(?:ref|eq|numref)\}`([\w-]+)`", MAP))))
def test_label_exists(label: str) -> None:
    assert label in labels()
