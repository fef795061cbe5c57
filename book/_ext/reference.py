"""Sphinx extension: the library's reference page by autodoc, from docstrings written as this book's pages are.

Docstrings use Markdown's single back-ticks and MyST's roles; autodoc expects reStructuredText, in which a star, a bar
and a trailing underscore mean something.
"""

import re

from sphinx.application import Sphinx

# {role}`target`, `code`, or a character that reStructuredText would read as markup
MARKUP = re.compile(r"\{(?P<role>\w+)\}`(?P<target>[^`]+)`|`(?P<code>[^`]+)`|(?P<mark>[*|_\\])")


def as_restructured(text: str) -> str:
    """One line of a docstring, its markup translated."""

    def translated(found: re.Match[str]) -> str:
        if found["role"]:
            return f":{found['role']}:`{found['target']}`"
        return f"``{found['code']}``" if found["code"] else f"\\{found['mark']}"

    return MARKUP.sub(translated, text)


def translate(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """autodoc's event: change a docstring's lines in place."""
    lines[:] = map(as_restructured, lines)


def setup(app: Sphinx) -> dict[str, object]:
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")  # a few docstrings list their arguments under "Args:"
    app.connect("autodoc-process-docstring", translate, priority=400)  # before napoleon's own, 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
