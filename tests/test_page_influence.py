"""The figure of what a place sees, on the built site: by mouse, finger and keys, its numbers are the library's."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from gradbook.bench.browser import redraws
from living import drag, needs_browser, needs_site, states

PAGE = "book/03_images_to_features.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def changes() -> np.ndarray:
    """(stages, P, P, H, H) in standard deviations, as the page holds them."""
    traits = states(PAGE)["influence"]
    P, H = traits["patches"], traits["map_size"]
    codes = np.frombuffer(traits["codes"], np.uint8).reshape(-1, P, P, H, H)
    return np.array(traits["tops"])[:, None, None, None, None] * (codes / 255.0) ** 2


def told(figure: Locator) -> tuple[list[int], int, float]:
    """The place or pixels that the sentence names, how many are outlined, and the largest change."""
    words = figure.locator(".grad-sentence").inner_text()
    found = re.search(r"(\d+) of (?:784|196) .* change, (\S+) standard", words)
    assert found, words
    return [int(n) for n in re.findall(r"\d+", words[: found.start()])], int(found[1]), float(found[2])


def expected(board: np.ndarray) -> tuple[int, float]:
    return int(((board > 0) & (board >= 0.1 * board.max())).sum()), pytest.approx(board.max(), abs=0.0051)


@pytest.mark.parametrize("stage", [0, 1])
def test_keys_choose_a_place(open_figure: Callable[..., Locator], stage: int) -> None:
    figure = open_figure(PAGE, "influence")
    figure.get_by_role("combobox", name="stage").select_option(str(stage))
    point = figure.get_by_role("slider", name="point")
    point.press("ArrowLeft")
    point.press("ArrowUp")
    point.press("ArrowUp")
    place, count, largest = told(figure)
    assert place[:2] == [5, 6]
    assert (count, largest) == expected(changes()[stage, :, :, 5, 6])


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_dragging_covers_a_patch(open_figure: Callable[..., Locator], touch: bool) -> None:
    figure = open_figure(PAGE, "influence", has_touch=touch)
    figure.get_by_role("combobox", name="the point").select_option("cover")
    point = figure.get_by_role("slider", name="point")
    point.press("ArrowRight")
    (top, _, left, _), *_ = told(figure)
    assert (top, left) == (112, 120)
    drag(point, -60, 40, touch=touch)
    (top, _, left, _), count, largest = told(figure)
    assert top > 112
    assert left < 120
    assert (count, largest) == expected(changes()[0, top // 8, left // 8])
    assert redraws(figure)


def test_narrow_page_has_no_sideways_scroll(open_figure: Callable[..., Locator]) -> None:
    figure = open_figure(PAGE, "influence", viewport={"width": 390, "height": 844})
    expect(figure).to_have_attribute("aria-label", re.compile("point that can be moved"))
    assert figure.evaluate("node => node.scrollWidth <= node.clientWidth")
