"""Each key that a page cites is in the bibliography."""

import re

from pybtex.database import parse_file

from pages import BOOK, words


def test_cited_works_are_in_the_bibliography_and_complete() -> None:
    entries = parse_file(str(BOOK / "references.bib")).entries
    roles = re.findall(r"\{cite\}`([^`]+)`", words())
    cited = {key.strip() for keys in roles for key in keys.split(",")}
    assert len(cited) > 10
    assert cited <= set(entries)
    for key, entry in entries.items():
        assert {"title", "year"} <= set(entry.fields), key
        assert entry.persons, key
