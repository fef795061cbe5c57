"""Figure 1 on the built site: by mouse, finger and keys, its numbers are gradlib's."""

import re
from collections.abc import Callable

import pytest
import torch
from playwright.sync_api import Locator, expect

from gradlib.grids import interpolate, knot_position
from living import drag, needs_browser, needs_site, states

PAGE = "book/02_interpolating_a_1d_grid.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def shown(figure: Locator) -> list[float]:
    """c, v, both weights and the output as the sentence gives them."""
    words = figure.locator(".grad-sentence").inner_text().replace("−", "-")
    found = re.match(r"c = (\S+), v = (\S+): (\S+) · G\[\d\] \+ (\S+) · G\[\d\] = (\S+)", words)
    assert found, words
    return [float(number) for number in found.groups()]


def expected(G: list[float], c: float, **rules: object) -> tuple[float, float]:
    v = knot_position(torch.tensor([[c]], dtype=torch.float64), len(G), align_corners=rules.get("align_corners", True))
    table = torch.tensor(G, dtype=torch.float64)[:, None]
    return v.item(), interpolate(table, v, padding_mode=rules.get("padding_mode", "border")).item()


def test_keys_move_the_point_and_the_sum_is_python_s(open_figure: Callable[..., Locator]) -> None:
    G, figure = states(PAGE)["grid1d"]["G"], open_figure(PAGE, "grid1d")
    point = figure.get_by_role("slider", name="coordinate c")
    before = shown(figure)[0]
    for _ in range(3):
        point.press("ArrowLeft")
    c, v, low, high, out = shown(figure)
    assert c == pytest.approx(before - 0.06, abs=0.011)
    exact = before - 0.06  # the sentence rounds c; 0.125 is where the page starts
    assert (v, out) == pytest.approx(expected(G, 0.125 - 0.06), abs=6e-4), exact
    assert low + high == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_dragging_moves_the_point_and_an_entry(open_figure: Callable[..., Locator], touch: bool) -> None:
    figure = open_figure(PAGE, "grid1d", has_touch=touch)
    drag(figure.get_by_role("slider", name="coordinate c"), 60, 0, touch=touch)
    c, v, *_ = shown(figure)
    assert c > 0.2
    entry = figure.get_by_role("slider", name="entry 0")
    before = float(entry.get_attribute("aria-valuenow"))
    drag(entry, 0, -50, touch=touch)
    assert float(entry.get_attribute("aria-valuenow")) > before + 0.15
    assert v == pytest.approx(knot_position(torch.tensor(c), 5).item(), abs=0.02)


def test_rules_at_the_ends_are_the_library_s(open_figure: Callable[..., Locator]) -> None:
    G, figure = states(PAGE)["grid1d"]["G"], open_figure(PAGE, "grid1d")
    point = figure.get_by_role("slider", name="coordinate c")
    figure.get_by_label("beyond the ends").select_option("zeros")
    figure.get_by_label("outermost knots at −1 and 1").uncheck()
    for _ in range(7):
        point.press("Shift+ArrowRight")
    c, _, _, _, out = shown(figure)
    assert c == pytest.approx(1.4)
    assert out == pytest.approx(expected(G, 1.4, align_corners=False, padding_mode="zeros")[1], abs=6e-4)
    for _ in range(2):
        point.press("Shift+ArrowLeft")
    c, v, _, _, out = shown(figure)
    assert (v, out) == pytest.approx(expected(G, c, align_corners=False, padding_mode="zeros"), abs=6e-4)
    expect(figure).to_have_attribute("aria-label", re.compile("5 entries"))
