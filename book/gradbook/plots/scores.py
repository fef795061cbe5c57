"""From map to score: a row of a map and its enlarged versions, and the false alarm rates of thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from gradbook.page import OKABE_ITO, describe
from gradbook.plots.common import DASHES, rounded


def map_profile(d: Tensor, lines: Mapping[str, Tensor], start: int, window: int) -> go.Figure:
    """One row of a map: d (W,) as dots, enlarged versions (S,) as lines, and the columns of the scoring window.

    The dots stand where an enlargement with aligned corners puts them. start, window: the window's first column and
    width, in pixels.
    """
    size = len(next(iter(lines.values())))
    figure = go.Figure()
    columns = np.linspace(0, size - 1, len(d))
    marker = {"size": 10, "symbol": "circle-open", "color": "grey", "line": {"width": 2}}
    figure.add_scatter(x=rounded(columns, 1), y=rounded(d), mode="markers", name="d", marker=marker)
    for (name, values), colour, dash in zip(lines.items(), OKABE_ITO, DASHES, strict=False):
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=list(range(size)), y=rounded(values), mode="lines", name=name, line=line)
    figure.add_vrect(x0=start, x1=start + window - 1, fillcolor="grey", opacity=0.2, line_width=0)
    figure.update_layout(xaxis_title="column of the photograph, pixels", yaxis_title="error", yaxis_rangemode="tozero")
    return describe(
        figure,
        f"One row of a map. {len(d)} dots are the errors d; lines are {', '.join(lines)}. The highest line reaches "
        f"{max(float(values.max()) for values in lines.values()):.1f}; a grey band from column {start} to "
        f"{start + window - 1} is the pooling window with the highest mean.",
    )


def false_alarm_rates(nominal: Sequence[float], measured: Mapping[str, np.ndarray]) -> go.Figure:
    """False alarm rates of thresholds on new images, over the rates for which the thresholds were set.

    nominal: (n,); measured: (n, splits) for each source of the threshold, both in [0, 1]. Lines are medians, bands hold
    95 % of the splits.
    """
    figure, x = go.Figure(), [100 * rate for rate in nominal]
    sentences = []
    for (name, rates), colour, dash in zip(measured.items(), OKABE_ITO, DASHES, strict=False):
        low, middle, high = (100 * np.quantile(rates, [0.025, 0.5, 0.975], axis=1)).round(2)  # (n,) each
        band = {"fill": "toself", "fillcolor": colour, "opacity": 0.18, "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=x + x[::-1], y=[*high, *low[::-1]], mode="lines", showlegend=False, **band)
        figure.add_scatter(x=x, y=middle, mode="lines+markers", name=name, line={"color": colour, "dash": dash})
        sentences.append(f"{name}: {middle[-1]:.1f} % where {x[-1]:.0f} % are promised")
    line = {"color": "grey", "width": 1}
    figure.add_scatter(x=[0, x[-1]], y=[0, x[-1]], mode="lines", name="as promised", line=line, hoverinfo="skip")
    figure.update_layout(xaxis_title="false alarms promised, %", yaxis_title="false alarms measured, %", height=440)
    return describe(figure, f"Measured false alarm rates over promised ones. {'; '.join(sentences)}.")
