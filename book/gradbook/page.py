"""What chapters show: one plotly theme and renderer, source listings, tables, and a line on the environment.

In JupyterLab plotly's own extension draws a figure. In the built book a figure is a `<figure>` element that holds its
specification as JSON; `book/_static/figures.js` draws it when it scrolls into view, so that a page needs no network and
no copy of plotly.
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

# Okabe & Ito, "Color Universal Design" (2008), suited to the common kinds of colour blindness; without yellow, which is
# too pale for lines on white. Blue and orange come first because they differ most.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_GREY = (
    "#808080"  # contrast of at least 4:1 on white and on black, for JupyterLab; the book sets the page's text colour
)
_GRID = "rgba(128, 128, 128, 0.3)"
_SEQUENTIAL = "Cividis"
_HEIGHT = 400  # pixels
_THEME = "grad"


def _template() -> go.layout.Template:
    """A transparent background, lines for light and dark pages, and colour scales suited to colour blindness."""
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
    scale = [{"colorscale": _SEQUENTIAL}]  # these traces ignore the colour scale of the layout
    data = {"contour": scale, "heatmap": scale, "histogram2d": scale, "surface": scale}
    return go.layout.Template(layout=layout, data=data)


class BookRenderer(MimetypeRenderer):
    """Two forms of a figure: plotly's JSON for JupyterLab, and an HTML element for the built book."""

    def to_mimebundle(self, fig_dict: dict[str, object]) -> dict[str, object]:
        """The figure as plotly JSON, and as a `<figure>` element with its text alternative and data."""
        specification = pio.to_json(fig_dict, validate=False, remove_uids=False)
        return {
            "application/vnd.plotly.v1+json": json.loads(specification),
            "text/html": _figure_element(json.loads(specification), specification),
        }


def _figure_element(figure: dict[str, dict], specification: str) -> str:
    """The figure's text alternative and data as HTML; without JavaScript the text is shown."""
    layout = figure.get("layout", {})
    alt = html.escape((layout.get("meta") or {}).get("alt", ""), quote=True)
    height = layout.get("height") or _HEIGHT
    data = specification.replace("<", "\\u003c")  # so that no tag in the JSON ends the script element
    return (
        f'<figure class="grad-figure" role="group" aria-label="{alt}">'
        f'<div class="grad-plot" style="min-height: {height}px"></div>'
        f'<script type="application/json">{data}</script>'
        f"<noscript><p>This figure is drawn by JavaScript. What it shows: {alt}</p></noscript></figure>"
    )


def setup() -> None:
    """Set the book's theme and renderer for plotly and matplotlib in this kernel; call it once, after the imports."""
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
    """Give a plotly figure its text alternative, and return the figure.

    alt: what the figure shows, in a sentence or two. For matplotlib figures it is in the cell's metadata instead
    (`mystnb.image.alt`). Raises InputError for an empty text.
    """
    text = " ".join(alt.split())
    if not text:
        raise InputError("The figure has no description: give `describe` a sentence that says what the figure shows.")
    figure.update_layout(meta={**(figure.layout.meta or {}), "alt": text})
    return figure


def show_source(code: type | Callable[..., object]) -> Markdown:
    """The source of a class or function as a listing, so that chapters explain the code that runs."""
    source = textwrap.dedent(inspect.getsource(code)).rstrip()
    return Markdown(f"````python\n{source}\n````")


def environment_stamp(device: str | torch.device | None = None) -> str:
    """One line to compare numbers by: versions, device and commit.

    device: by default the first CUDA device, or the CPU without one.
    """
    used = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    name = torch.cuda.get_device_name(used) if used.type == "cuda" else f"{used.type}, {os.cpu_count()} cores"
    packages = " · ".join(f"{package} {version(package)}" for package in ("gradlib", "torch", "timm"))
    commit = git("describe", "--always", "--dirty", "--exclude=*") or "unknown"
    return f"Python {platform.python_version()} · {packages} · {name} · commit {commit}"


RANGE = re.compile(r"(?<=[\d%]) to (?=[-+−]?\d)")  # between two numbers, where no line may break


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1) -> Markdown:
    """A Markdown table; the first `text` columns hold text, the others are aligned to the right."""
    lines = [headings, [*["---"] * text, *["---:"] * (len(headings) - text)], *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return Markdown(RANGE.sub("\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", table))


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal, or a dash if it is undefined."""
    return "–" if value is None else f"{100 * value:.1f}"
