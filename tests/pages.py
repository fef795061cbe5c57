"""The words of the book as its sources hold them, for the tests that ask what is in them, and its Sphinx extensions."""

import importlib.util
import json
import re
from functools import cache
from types import ModuleType

from gradbook.paths import repository

BOOK = repository() / "book"
LABEL = re.compile(r"^(?:\$\$ )?\(([a-z0-9-]+)\)=?$|^:name: ([a-z0-9-]+)$", re.MULTILINE)


@cache
def cells() -> list[dict]:
    """The cells of all chapters."""
    chapters = sorted(BOOK.glob("*.ipynb"))
    return [cell for path in chapters for cell in json.loads(path.read_text(encoding="utf8"))["cells"]]


@cache
def words() -> str:
    """All prose: pages, and the Markdown cells of chapters."""
    pages = [page.read_text(encoding="utf8") for page in sorted(BOOK.glob("*.md"))]
    return "\n".join([*pages, *("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "markdown")])


@cache
def labels() -> set[str]:
    """What can be referred to: headings, equations and figures."""
    figures = {cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") for cell in cells()}
    return {name for found in LABEL.findall(words()) for name in found if name} | (figures - {None})


def extension(name: str) -> ModuleType:
    """A module of book/_ext, which is no package."""
    spec = importlib.util.spec_from_file_location(f"book_{name}", BOOK / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
