"""The page that maps the paper to the book names all its equations, tables and figures, and only labels that exist."""

import json
import re

import pytest

from gradlib.paths import repository

BOOK = repository() / "book"
MAP = (BOOK / "paper_map.md").read_text(encoding="utf8")
PAPER = [f"{kind} {n}" for kind, last in (("Eq.", 8), ("Table", 9), ("Fig.", 6)) for n in range(1, last + 1)]


def labels() -> set[str]:
    """What can be referred to: labels of headings and equations in all pages, names of figures."""
    texts, names = [page.read_text(encoding="utf8") for page in BOOK.glob("*.md")], set()
    for chapter in BOOK.glob("*.ipynb"):
        cells = json.loads(chapter.read_text(encoding="utf8"))["cells"]
        texts += ["".join(cell["source"]) for cell in cells]
        names |= {cell["metadata"].get("mystnb", {}).get("figure", {}).get("name", "") for cell in cells}
    written = r"^(?:\$\$ )?\(([a-z0-9-]+)\)=?$|^:name: ([a-z0-9-]+)$"
    return names.union(*(filter(None, found) for text in texts for found in re.findall(written, text, re.MULTILINE)))


@pytest.mark.parametrize("item", PAPER)
def test_item_of_the_paper_has_a_row_that_leads_somewhere(item: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(item)} \|.*$", MAP, re.MULTILINE)
    assert re.search(r"\{(ref|eq|numref)\}`", row)


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\{(?:ref|eq|numref)\}`([\w-]+)`", MAP))))
def test_label_exists(label: str) -> None:
    assert label in labels()
