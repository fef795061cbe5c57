"""The cost of a model: its size and FLOPs, with the paper's rows for comparison."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from gradbook.bench.counts import Table6Row
from gradbook.plots.common import slider


def cost_line(
    clouds: Mapping[int, tuple[Sequence[float], Sequence[float]]],
    names: Sequence[str],
    rows: Mapping[str, Table6Row],
    *,
    start: int,
) -> go.Figure:
    """GFLOPs over millions of parameters; a slider selects the width of psi, at first `start`.

    clouds: width -> (millions of parameters, GFLOPs) of the models called `names`. rows: two of the paper's Table 6,
    drawn as diamonds. Explained in {ref}`ch-cost`.
    """
    x, y = clouds[start]
    figure = go.Figure(go.Scatter(x=list(x), y=list(y), text=list(names), mode="markers", name="1 to 14 basic blocks"))
    for (name, row), symbol in zip(rows.items(), ("diamond", "diamond-open"), strict=True):
        marker = {"symbol": symbol, "size": 13}
        figure.add_scatter(x=[row.millions], y=[row.gflops], mode="markers", name=f"{name}, Table 6", marker=marker)
    steps = [
        {"label": str(width), "method": "restyle", "args": [{"x": [list(x)], "y": [list(y)]}, [0]]}
        for width, (x, y) in clouds.items()
    ]
    figure.update_layout(sliders=[slider(steps, "width ", start=list(clouds).index(start))])
    figure.update_xaxes(title="parameters, millions", range=[0, 24])
    figure.update_yaxes(title="GFLOPs for one image", range=[0, 34])
    return figure
