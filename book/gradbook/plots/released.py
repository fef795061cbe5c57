"""Figures of the page that holds the paper against its released program: scores by epoch."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.page import OKABE_ITO, describe


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
