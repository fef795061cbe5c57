"""Figures of paired differences: a trace for each verdict, a button for each metric, and an alternative text."""

from gradbook.plots.intervals import interval_rows
from gradbook.study.bootstrap import Comparison

GAPS = {"up": Comparison(1, 0.5, 2), "open": Comparison(0, -1, 1), "down": Comparison(-1, -2, -0.5), "missing": None}
WORDS = ("ahead", "behind", "undecided")


def test_intervals_are_sorted_by_what_they_decide() -> None:
    figure = interval_rows({"image_auroc": GAPS}, WORDS)
    assert {trace.name: trace.y for trace in figure.data} == {
        "ahead": ("up",),
        "undecided": ("open",),
        "behind": ("down",),
    }
    assert figure.data[0].error_x.array == (1,)
    assert figure.data[0].error_x.arrayminus == (0.5,)
    assert not figure.layout.updatemenus
    assert "image AUROC: up ahead; open undecided; down behind." in figure.layout.meta["alt"]


def test_a_button_shows_one_metric() -> None:
    figure = interval_rows({"image_auroc": GAPS, "pixel_auroc": {"up": GAPS["down"], "missing": None}})
    assert [trace.visible for trace in figure.data] == [True] * 3 + [False] * 3
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["image AUROC", "pixel AUROC"]
    assert menu.buttons[1].args[0]["visible"] == [False] * 3 + [True] * 3
    assert figure.data[4].y == ("up",)
    assert figure.layout.yaxis.categoryarray == ("missing", "down", "open", "up")


def test_without_a_record_the_figure_says_so() -> None:
    assert "No run is recorded yet" in interval_rows({"image_auroc": {"x": None}}).layout.meta["alt"]
