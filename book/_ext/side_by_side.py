"""Sphinx extension: chapters are executed side by side, as by `sphinx-build -j`, which Jupyter Book 1 does not offer.

One kernel keeps one core busy, seldom two. Each takes its share of the cores for its threads, as PyTorch's threads wait
for each other at full speed where cores are shared.
"""

import os
import sys
from itertools import chain, cycle

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.parallel import make_chunks

MOST = 4  # kernels at once: each holds about 1.5 GB
# These do not say so themselves, which Sphinx takes for a no; both act before or after the pages are read.
SAFE = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")


def use_cores(app: Sphinx) -> None:
    """Read pages in as many processes as there are cores, up to MOST."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    app.parallel = min(cores, MOST)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores // app.parallel))
    for name in SAFE:
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = app.extensions[name].parallel_write_safe = True


def share_out(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Order the pages so that each process gets as many notebooks as the others: Sphinx cuts the list into pieces."""
    notebooks = [name for name in docnames if env.doc2path(name).endswith(".ipynb")]
    others = [name for name in docnames if name not in notebooks]
    sizes = [len(piece) for piece in make_chunks(docnames, app.parallel)]
    pieces: list[list[str]] = [[] for _ in sizes]
    turn = [*range(min(app.parallel, len(sizes)))]  # the pieces with which the processes begin, there and back
    for name, i in zip(notebooks, cycle(turn + turn[::-1]), strict=False):
        pieces[i].append(name)
    for piece, size in zip(pieces, sizes, strict=True):
        piece += [others.pop() for _ in range(min(size - len(piece), len(others)))]
    docnames[:] = chain(*pieces)


def tell(app: Sphinx, name: str, content: list[str]) -> None:
    """Say at once which page a process begins with: Sphinx hands on its words when all of its share is read."""
    if app.parallel > 1:
        print(f"reading {name}", file=sys.stderr, flush=True)


def refuse_failures(app: Sphinx, env: BuildEnvironment) -> None:
    """After all pages have been read, a cell that failed ends the build: no page shows an error for a result."""
    executed = {name: NbMetadataCollector.get_exec_data(env, name) for name in sorted(env.found_docs)}
    if failed := [name for name, data in executed.items() if data and not data["succeeded"]]:
        raise ExtensionError(f"Cells failed in {', '.join(failed)}; the warnings above say which, and why.")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("builder-inited", use_cores)
    app.connect("env-before-read-docs", share_out)
    app.connect("source-read", tell)
    app.connect("env-check-consistency", refuse_failures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
