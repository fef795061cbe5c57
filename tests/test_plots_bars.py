"""Points with bars keep their values, and can be told apart."""

from gradbook.plots.common import Series, with_bars


def test_bars_reach_what_they_are_given() -> None:
    even, uneven = Series("a", [1, 10], [2, 3], [0.5, 0.25]), Series("b", [1, 10], [4, 5], [1, 2], [0, 1], dash="dot")
    figure = with_bars([even, uneven], x_title="size", y_title="error", ticks=(1, 10))
    first, second = figure.data
    assert (first.x, first.y, first.error_y.array, first.error_y.arrayminus) == ((1, 10), (2, 3), (0.5, 0.25), None)
    assert (second.error_y.array, second.error_y.arrayminus) == ((1, 2), (0, 1))
    assert (first.line.dash, second.line.dash) == ("solid", "dot")
    assert (figure.layout.xaxis.type, figure.layout.xaxis.tickvals) == ("log", (1, 10))


def test_each_point_may_have_a_mark_of_its_own() -> None:
    (one,) = with_bars(
        [Series("a", [1, 2], [1, 2], [0, 0], symbol=("circle", "x"))], x_title="", y_title="", ticks=()
    ).data
    assert one.marker.symbol == ("circle", "x")
