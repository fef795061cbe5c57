"""Each key that a page cites is in the bibliography."""

import json
import re

from pybtex.database import parse_file

from gradlib.paths import repository

BOOK = repository() / "book"


def test_cited_works_are_in_the_bibliography_and_complete() -> None:
    entries = parse_file(str(BOOK / "references.bib")).entries
    texts = [page.read_text(encoding="utf8") for page in BOOK.glob("*.md")]
    for chapter in BOOK.glob("*.ipynb"):
        texts += ["".join(cell["source"]) for cell in json.loads(chapter.read_text(encoding="utf8"))["cells"]]
    roles = re.findall(r"\{cite\}`([^`]+)`", "\n".join(texts))
    cited = {key.strip() for keys in roles for key in keys.split(",")}
    assert len(cited) > 10
    assert cited <= set(entries)
    for key, entry in entries.items():
        assert {"title", "year"} <= set(entry.fields), key
        assert entry.persons, key
