"""What a chapter shows: one plotly theme and renderer for JupyterLab and the built book, source listings, one line
that names the environment.

In JupyterLab a figure is drawn by plotly's own extension. In the built book it is a `<figure>` that holds its
specification as JSON; `book/_static/figures.js` draws it when it scrolls into view, so a page carries no plotly of
its own and works without a network.
"""

import html
import inspect
import json
import os
import platform
import re
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import version

import matplotlib as mpl
import plotly.graph_objects as go
import plotly.io as pio
import torch
from IPython.display import Markdown
from matplotlib.rcsetup import cycler
from plotly.io.base_renderers import MimetypeRenderer

from gradbook.paths import git
from gradlib.errors import InputError

# Okabe & Ito, "Color Universal Design" (2008): told apart with the common kinds of colour blindness. Yellow is left
# out, too pale for lines on white. Blue and orange come first: they differ most.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_GREY = "#808080"  # 4:1 or more on white and on black: JupyterLab's themes; the book sets the page's own text colour
_GRID = "rgba(128, 128, 128, 0.3)"
_SEQUENTIAL = "Cividis"
_HEIGHT = 400  # pixels
_THEME = "grad"


def _template() -> go.layout.Template:
    """Transparent background, lines that read on light and dark pages, colour scales that survive colour blindness."""
    axis = {"gridcolor": _GRID, "zerolinecolor": _GRID, "linecolor": _GREY, "ticks": "outside", "tickcolor": _GRID}
    wall = {**axis, "showbackground": False}
    layout = {
        "autosize": True,
        "colorway": OKABE_ITO,
        "colorscale": {"sequential": _SEQUENTIAL, "sequentialminus": _SEQUENTIAL, "diverging": "PuOr"},
        "font": {"color": _GREY, "size": 14},
        "height": _HEIGHT,
        "hoverlabel": {"font": {"size": 14}},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": _GREY, "activecolor": OKABE_ITO[0]},
        "margin": {"l": 56, "r": 16, "t": 48, "b": 48},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "scene": {"bgcolor": "rgba(0, 0, 0, 0)", "xaxis": wall, "yaxis": wall, "zaxis": wall},
        "sliderdefaults": {"pad": {"t": 48}},  # below the axis title
        "xaxis": {**axis, "automargin": True},
        "yaxis": {**axis, "automargin": True},
    }
    scale = [{"colorscale": _SEQUENTIAL}]  # these kinds do not ask the layout for theirs
    data = {"contour": scale, "heatmap": scale, "histogram2d": scale, "surface": scale}
    return go.layout.Template(layout=layout, data=data)


class BookRenderer(MimetypeRenderer):
    """Two forms of one figure: plotly's own for JupyterLab, an HTML island for the built book."""

    def to_mimebundle(self, fig_dict: dict[str, object]) -> dict[str, object]:
        """The figure as plotly JSON and as a `<figure>` whose words and data need no network."""
        specification = pio.to_json(fig_dict, validate=False, remove_uids=False)
        return {
            "application/vnd.plotly.v1+json": json.loads(specification),
            "text/html": _island(json.loads(specification), specification),
        }


def _island(figure: dict[str, dict], specification: str) -> str:
    """The figure's words and data as HTML; without JavaScript the words remain."""
    layout = figure.get("layout", {})
    alt = html.escape((layout.get("meta") or {}).get("alt", ""), quote=True)
    height = layout.get("height") or _HEIGHT
    data = specification.replace("<", "\\u003c")  # no tag inside the JSON can end the script element
    return (
        f'<figure class="grad-figure" role="group" aria-label="{alt}">'
        f'<div class="grad-plot" style="min-height: {height}px"></div>'
        f'<script type="application/json">{data}</script>'
        f"<noscript><p>This figure is drawn by JavaScript. What it shows: {alt}</p></noscript></figure>"
    )


def setup() -> None:
    """Use the book's theme and renderer in this kernel, for plotly and matplotlib; call it once, after the imports."""
    pio.templates[_THEME] = _template()
    pio.templates.default = _THEME
    pio.renderers[_THEME] = BookRenderer()
    pio.renderers.default = _THEME
    mpl.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=OKABE_ITO),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "font.size": 10,
            "image.cmap": "cividis",
            "image.interpolation": "nearest",
        }
    )


def describe(figure: go.Figure, alt: str) -> go.Figure:
    """Give a plotly figure the words that stand for it where it cannot be seen; returns the same figure.

    `alt` says what the figure shows, in a sentence; matplotlib figures take theirs from the cell's metadata
    (`mystnb.image.alt`). Raises InputError where the words are missing.
    """
    words = " ".join(alt.split())
    if not words:
        raise InputError("The figure has no description: give `describe` a sentence that says what the figure shows.")
    figure.update_layout(meta={**(figure.layout.meta or {}), "alt": words})
    return figure


def show_source(thing: type | Callable[..., object]) -> Markdown:
    """The source of a class or function of the library, as a listing: what the chapter explains is what runs."""
    source = textwrap.dedent(inspect.getsource(thing)).rstrip()
    return Markdown(f"````python\n{source}\n````")


def environment_stamp(device: str | torch.device | None = None) -> str:
    """One line that a reader needs to compare numbers: versions, device, commit.

    `device` is a torch device; None means the first CUDA device, or the CPU where there is none.
    """
    used = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    name = torch.cuda.get_device_name(used) if used.type == "cuda" else f"{used.type}, {os.cpu_count()} cores"
    packages = " · ".join(f"{package} {version(package)}" for package in ("gradlib", "torch", "timm"))
    commit = git("describe", "--always", "--dirty", "--exclude=*") or "unknown"
    return f"Python {platform.python_version()} · {packages} · {name} · commit {commit}"


RANGE = re.compile(r"(?<=[\d%]) to (?=[-+−]?\d)")  # of two numbers, which no line break may part


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1) -> Markdown:
    """A Markdown table; the first `text` columns are text, the others are aligned right."""
    lines = [headings, [*["---"] * text, *["---:"] * (len(headings) - text)], *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return Markdown(RANGE.sub("\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", table))


def percent(value: float | None) -> str:
    """A share in percent to one decimal, or a dash where it is undefined."""
    return "–" if value is None else f"{100 * value:.1f}"
