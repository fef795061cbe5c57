"""Figures of the page that holds the paper against its released program: effects with intervals, scores by epoch."""

import textwrap
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.page import OKABE_ITO, describe
from gradbook.study.released_differences import Effect
from gradbook.study.run_tables import HEADINGS

SYMBOLS = {"above": "triangle-right", "below": "triangle-left", "contains 0": "circle"}
_LABEL = 18  # characters in a line of a row's name: a telephone leaves little room beside longer ones
_ROW = 42  # pixels, for two lines


def effects_figure(by_metric: Mapping[str, Mapping[str, Effect | None]]) -> go.Figure:
    """Points of difference with their intervals, a line for each changed choice, a button for each metric.

    Rows without a record are left out.
    """
    figure, buttons = go.Figure(), []
    for number, (metric, found) in enumerate(by_metric.items()):
        rows = {name: one for name, one in found.items() if one is not None}
        figure.add_scatter(
            x=[one.middle for one in rows.values()],
            y=["<br>".join(textwrap.wrap(name, _LABEL, break_on_hyphens=False)) for name in rows],
            error_x={
                "array": [one.high - one.middle for one in rows.values()],
                "arrayminus": [one.middle - one.low for one in rows.values()],
            },
            mode="markers",
            marker={"symbol": [SYMBOLS[one.verdict] for one in rows.values()], "size": 11, "color": OKABE_ITO[number]},
            text=[f"interval {one.verdict}" for one in rows.values()],
            name=HEADINGS[metric],
            visible=number == 0,
        )
        visible = [other == number for other in range(len(by_metric))]
        buttons.append({"label": HEADINGS[metric], "method": "update", "args": [{"visible": visible}]})
    figure.add_vline(x=0, line_dash="dash", line_color="grey")
    figure.update_layout(
        updatemenus=[
            {"type": "buttons", "direction": "right", "buttons": buttons, "x": 0, "y": 1.18, "xanchor": "left"}
        ],
        showlegend=False,
        height=140 + _ROW * max((len(found) for found in by_metric.values()), default=0),
        xaxis_title="difference, points",
        yaxis={"autorange": "reversed"},
    )
    counts = {
        HEADINGS[metric]: "; ".join(f"{name} {one.verdict}" for name, one in found.items() if one is not None)
        for metric, found in by_metric.items()
    }
    told = ". ".join(f"{metric}: {words}" for metric, words in counts.items() if words) or "No run is recorded yet"
    return describe(
        figure,
        f"Differences to the reference with paired 95 % intervals, one line for each changed choice. {told}. The table "
        "holds the values.",
    )


def epochs_figure(by_epoch: Mapping[str, Sequence[float]]) -> go.Figure:
    """The test score of each epoch, percent, of several runs: the last epoch as a square, the best one as a star."""
    figure = go.Figure()
    for number, (name, scores) in enumerate(by_epoch.items()):
        values, colour = [100 * score for score in scores], OKABE_ITO[number % len(OKABE_ITO)]
        best = values.index(max(values))
        epochs = list(range(1, len(values) + 1))
        figure.add_scatter(x=epochs, y=values, name=name, mode="lines", line_color=colour)
        for at, symbol in ((len(values) - 1, "square"), (best, "star")):
            figure.add_scatter(
                x=[epochs[at]], y=[values[at]], mode="markers", showlegend=False, hoverinfo="skip",
                marker={"symbol": symbol, "size": 12, "color": colour},
            )  # fmt: skip
    figure.update_layout(xaxis_title="epoch", yaxis_title="image AUROC on the test images, %")
    told = "; ".join(
        f"{name}: best in epoch {list(scores).index(max(scores)) + 1} of {len(scores)}, "
        f"{100 * (max(scores) - scores[-1]):.2f} points above the last"
        for name, scores in by_epoch.items()
    )
    return describe(figure, f"Image AUROC of each epoch for {len(by_epoch)} runs. {told}.")
