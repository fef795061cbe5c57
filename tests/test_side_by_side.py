"""How the build shares out its pages among processes."""

from types import SimpleNamespace

import pytest
from sphinx.util.parallel import make_chunks

from pages import extension


def shared_out(processes: int, notebooks: int, texts: int) -> list[str]:
    """Sphinx's list of a book's pages after the extension has put it in order."""
    kinds = {f"book{i:02}": ".ipynb" for i in range(notebooks)} | {f"text{i:02}": ".md" for i in range(texts)}
    pages = sorted(kinds)
    app, env = SimpleNamespace(parallel=processes), SimpleNamespace(doc2path=lambda name: name + kinds[name])
    extension("side_by_side").share_out(app, env, pages)
    assert sorted(pages) == sorted(kinds), "every page once"
    return pages


@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize(("notebooks", "texts"), [(21, 10), (3, 40)])
def test_every_process_begins_with_as_many_notebooks(processes: int, notebooks: int, texts: int) -> None:
    pieces = make_chunks(shared_out(processes, notebooks, texts), processes)
    first = [sum(name.startswith("book") for name in piece) for piece in pieces[:processes]]
    assert sum(first) == notebooks
    assert max(first) - min(first) <= 1


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_book_of_notebooks_alone_loses_none(processes: int) -> None:
    shared_out(processes, 30, 1)
