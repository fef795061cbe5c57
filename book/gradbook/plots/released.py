"""The paper against its released code: scores by epoch."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.page import OKABE_ITO, describe


def scores_by_epoch(runs: Mapping[str, Sequence[float]]) -> go.Figure:
    """The image AUROC of several runs after each epoch, in percent: the last epoch as a square, the best as a star.

    runs: name -> the AUROC of each epoch, in [0, 1].
    """
    figure, sentences = go.Figure(), []
    for number, (name, scores) in enumerate(runs.items()):
        values, colour = [100 * score for score in scores], OKABE_ITO[number % len(OKABE_ITO)]
        last, best = len(values) - 1, values.index(max(values))
        epochs = list(range(1, len(values) + 1))
        figure.add_scatter(x=epochs, y=values, name=name, mode="lines", line_color=colour)
        for at, symbol in ((last, "square"), (best, "star")):
            figure.add_scatter(
                x=[epochs[at]], y=[values[at]], mode="markers", showlegend=False, hoverinfo="skip",
                marker={"symbol": symbol, "size": 12, "color": colour},
            )  # fmt: skip
        gain = values[best] - values[last]
        sentences.append(f"{name}: best in epoch {best + 1} of {len(values)}, {gain:.2f} points above the last")
    figure.update_layout(xaxis_title="epoch", yaxis_title="image AUROC on the test images, %")
    return describe(figure, f"Image AUROC of each epoch for {len(runs)} runs. {'; '.join(sentences)}.")
