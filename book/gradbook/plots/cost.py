"""Figures of what a model costs: sizes that a slider moves along, and the paper's rows beside them."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.bench.counts import Published


def cost_line(
    clouds: Mapping[int, tuple[Sequence[float], Sequence[float]]],
    names: Sequence[str],
    rows: Mapping[str, Published],
    *,
    start: int,
) -> go.Figure:
    """GFLOPs over millions of parameters; a slider picks the width whose points are shown, beginning with `start`.

    clouds: by width, millions of parameters and GFLOPs of the models that `names` names. rows: two of the paper's
    Table 6, as diamonds. Explained in {ref}`ch-cost`.
    """
    widths = list(clouds)
    x, y = clouds[start]
    figure = go.Figure(go.Scatter(x=list(x), y=list(y), text=list(names), mode="markers", name="1 to 14 basic blocks"))
    for (name, row), symbol in zip(rows.items(), ("diamond", "diamond-open"), strict=True):
        marker = {"symbol": symbol, "size": 13}
        figure.add_scatter(x=[row.millions], y=[row.gflops], mode="markers", name=f"{name}, Table 6", marker=marker)
    steps = [
        {"label": str(width), "method": "restyle", "args": [{"x": [list(x)], "y": [list(y)]}, [0]]}
        for width, (x, y) in clouds.items()
    ]
    slider = {"active": widths.index(start), "steps": steps, "currentvalue": {"prefix": "width "}}
    figure.update_layout(sliders=[slider])
    figure.update_xaxes(title="parameters, millions", range=[0, 24])
    figure.update_yaxes(title="GFLOPs for one image", range=[0, 34])
    return figure
