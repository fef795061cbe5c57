"""Paired differences: a dot with its 95 % interval for each comparison."""

import textwrap
from collections.abc import Mapping

import plotly.graph_objects as go

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.common import add_buttons, rounded
from gradbook.study.bootstrap import Comparison
from gradbook.study.tables import HEADINGS

STYLES = (("circle", OKABE_ITO[0]), ("x", OKABE_ITO[1]), ("circle-open", "grey"))  # above 0, below 0, neither
_LABEL = 18  # characters in a line of a row's name: a telephone leaves little room beside longer ones
_ROW = 42  # pixels, for two lines


def interval_rows(
    by_metric: Mapping[str, Mapping[str, Comparison | None]],
    words: tuple[str, str, str] = ("above", "below", "contains 0"),
) -> go.Figure:
    """A row for each comparison, in points, and a button for each metric; rows without a comparison are left out.

    by_metric: metric -> row -> comparison. words: the verdicts on an interval above 0, below 0 and around it.
    """
    figure, counts, sentences = go.Figure(), [], []
    for metric, rows in by_metric.items():
        gaps = {name: gap for name, gap in rows.items() if gap is not None}
        verdicts = {name: gap.verdict(*words) for name, gap in gaps.items()}
        for word, (symbol, colour) in zip(words, STYLES, strict=True):
            of_word = {name: gap for name, gap in gaps.items() if verdicts[name] == word}
            marker = {"symbol": symbol, "size": 10, "color": colour}
            figure.add_scatter(**_dots_with_bars(of_word), mode="markers", name=word, marker=marker)
        counts.append(len(rows))
        if verdicts:
            sentences.append(f"{HEADINGS[metric]}: {'; '.join(f'{name} {word}' for name, word in verdicts.items())}. ")
    figure.add_vline(x=0, line_dash="dash", line_color="grey")
    names = [_wrapped(name) for rows in by_metric.values() for name in rows]
    figure.update_layout(
        xaxis_title="difference, points",
        yaxis={"categoryorder": "array", "categoryarray": list(dict.fromkeys(names))[::-1]},
        height=160 + _ROW * max(counts, default=0),
        margin_b=96,
        legend={"yref": "container", "y": 0, "yanchor": "bottom"},  # below, since the buttons are above
    )
    _add_buttons(figure, list(by_metric))
    results = "".join(sentences) or "No run is recorded yet. "
    return describe(figure, f"Paired differences with 95 % intervals. {results}The table holds the values.")


def _dots_with_bars(gaps: Mapping[str, Comparison]) -> dict[str, object]:
    """The data of a trace."""
    above = rounded([gap.high - gap.difference for gap in gaps.values()])
    below = rounded([gap.difference - gap.low for gap in gaps.values()])
    return {
        "x": rounded([gap.difference for gap in gaps.values()]),
        "y": [_wrapped(name) for name in gaps],
        "error_x": {"array": above, "arrayminus": below},
    }


def _wrapped(name: str) -> str:
    """A row's name in lines of at most `_LABEL` characters."""
    return "<br>".join(textwrap.wrap(name, _LABEL, break_on_hyphens=False))


def _add_buttons(figure: go.Figure, metrics: list[str]) -> None:
    """Show the first metric and, if there are several, a button for each; a metric has one trace for each verdict."""
    of_trace = [metric for metric in metrics for _ in STYLES]
    visible = {metric: [metric == other for other in of_trace] for metric in metrics}
    for trace, metric in zip(figure.data, of_trace, strict=True):
        trace.visible = metric == metrics[0]
    buttons = [{"label": HEADINGS[m], "method": "update", "args": [{"visible": visible[m]}]} for m in metrics]
    if len(metrics) > 1:
        add_buttons(figure, buttons, x=1, y=1.18, xanchor="right")  # names of rows leave little room on the left
