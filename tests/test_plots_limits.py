"""Figures of limits keep their values, and their controls show one thing at a time."""

import pytest
import torch
from PIL import Image

from gradbook.plots import limits


def test_methods_have_a_button_for_each_metric() -> None:
    points = {1: (80.0, 1.0), 4: (90.0, 0.5)}
    figure = limits.metrics_by_number({"image": {"a": points, "b": points}, "pixel": {"a": points}}, "images")
    assert [trace.visible for trace in figure.data] == [True, True, False]
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["image", "pixel"]
    assert menu.buttons[1].args[0]["visible"] == [False, False, True]
    assert figure.data[0].error_y.array == (1.0, 0.5)
    assert figure.data[0].line.dash != figure.data[1].line.dash


def test_scores_stand_in_the_row_of_their_group() -> None:
    figure = limits.score_rows({"normal": [1, 2], "cats": [9]}, 3.0, {"cats": ["Chelsea"]})
    assert [trace.y for trace in figure.data] == [("normal", "normal"), ("cats",)]
    assert figure.data[1].text == ("Chelsea",)
    assert figure.layout.shapes[0].x0 == 3.0


@pytest.fixture
def growing() -> limits.GrowingChange:
    images = [Image.new("L", (20, 20), 40 * step) for step in range(3)]
    return limits.GrowingChange(["none", "some", "more"], images, torch.rand(3, 2, 2), [1.0, 2.0, 3.0])


def test_slider_moves_every_change_and_a_button_shows_one(growing: limits.GrowingChange) -> None:
    figure = limits.growing_changes({"darker": growing, "blur": growing}, 2.5)
    assert [trace.visible for trace in figure.data] == [True] * 4 + [False] * 4
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) == 3
    assert figure.frames[2].traces == (1, 2, 3, 5, 6, 7)
    assert figure.frames[2].data[2].text == ("", "more: 3.00")
    assert all(trace.visible is None for trace in figure.frames[0].data)
    (menu,) = figure.layout.updatemenus
    assert menu.buttons[1].args == ("visible", (False,) * 4 + (True,) * 4)
    assert figure.frames[0].data[0].source.startswith("data:image/png;base64,")
