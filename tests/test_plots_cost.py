"""The figure of sizes shows the width that its slider selects."""

from gradbook.bench.counts import TABLE_6
from gradbook.plots.cost import cost_line


def test_slider_moves_to_the_points_of_its_width() -> None:
    clouds = {96: ([1.0, 2.0], [3.0, 4.0]), 128: ([5.0, 6.0], [7.0, 8.0])}
    rows = {name: TABLE_6[name] for name in ("GRAD-S", "GRAD")}
    figure = cost_line(clouds, ["1 block", "2 blocks"], rows, start=128)
    (slider,) = figure.layout.sliders
    assert (figure.data[0].x, figure.data[0].y) == ((5.0, 6.0), (7.0, 8.0))
    assert (slider.active, [step.label for step in slider.steps]) == (1, ["96", "128"])
    moved, traces = slider.steps[0].args
    assert (moved, list(traces)) == ({"x": [[1.0, 2.0]], "y": [[3.0, 4.0]]}, [0])
    assert [trace.x for trace in figure.data[1:]] == [(rows["GRAD-S"].millions,), (rows["GRAD"].millions,)]
    assert len({trace.marker.symbol for trace in figure.data[1:]}) == 2
