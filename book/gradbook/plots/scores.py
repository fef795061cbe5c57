"""Figures of {ref}`ch-scores`: a row of a map on its way to the score; what thresholds promise and what comes."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.grid1d import DASHES


def profile(d: Tensor, lines: Mapping[str, Tensor], start: int, window: int) -> go.Figure:
    """One row of a map: d (W,) as dots, enlarged versions (S,) as lines, and the pooling window that won.

    The dots stand at the pixels that the first version puts them on, with its corners aligned.
    """
    size = len(next(iter(lines.values())))
    figure = go.Figure()
    places = np.linspace(0, size - 1, len(d))
    marker = {"size": 10, "symbol": "circle-open", "color": "grey", "line": {"width": 2}}
    figure.add_scatter(x=places.round(1), y=_rounded(d), mode="markers", name="d", marker=marker)
    for (name, values), colour, dash in zip(lines.items(), OKABE_ITO, DASHES, strict=False):
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=list(range(size)), y=_rounded(values), mode="lines", name=name, line=line)
    figure.add_vrect(x0=start, x1=start + window - 1, fillcolor="grey", opacity=0.2, line_width=0)
    figure.update_layout(xaxis_title="column of the photograph, pixels", yaxis_title="error", yaxis_rangemode="tozero")
    return describe(
        figure,
        f"One row of a map. {len(d)} dots are the errors d; lines are {', '.join(lines)}. The highest line reaches "
        f"{max(float(values.max()) for values in lines.values()):.1f}; a grey band from column {start} to "
        f"{start + window - 1} is the pooling window of the highest mean.",
    )


def score_promises(promised: Sequence[float], found: Mapping[str, np.ndarray]) -> go.Figure:
    """False alarm rates that thresholds promise, against those found in repeated splits.

    promised (n,) and found (n, splits) of each origin of the threshold, as shares; drawn are medians, and the 95 % of
    the splits as a band.
    """
    figure, x = go.Figure(), [100 * share for share in promised]
    told = []
    for (name, rates), colour, dash in zip(found.items(), OKABE_ITO, DASHES, strict=False):
        low, middle, high = (100 * np.quantile(rates, [0.025, 0.5, 0.975], axis=1)).round(2)  # (n,) each
        band = {"fill": "toself", "fillcolor": colour, "opacity": 0.18, "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=x + x[::-1], y=[*high, *low[::-1]], mode="lines", showlegend=False, **band)
        figure.add_scatter(x=x, y=middle, mode="lines+markers", name=name, line={"color": colour, "dash": dash})
        told.append(f"{name}: {middle[-1]:.1f} % where {x[-1]:.0f} % are promised")
    line = {"color": "grey", "width": 1}
    figure.add_scatter(x=[0, x[-1]], y=[0, x[-1]], mode="lines", name="kept promise", line=line, hoverinfo="skip")
    figure.update_layout(xaxis_title="false alarms promised, %", yaxis_title="false alarms found, %", height=440)
    return describe(figure, f"False alarm rates found against promised ones. {'; '.join(told)}.")


def _rounded(values: Tensor) -> list[float]:
    """Plain numbers to 3 decimals, so that a page stays small."""
    return [round(value, 3) for value in values.tolist()]
