"""The figure of the local grid on the built site: by mouse, finger and keys, its numbers are gradlib's."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from gradbook.bench.browser import redraws
from gradlib.grids import interpolate, knot_position
from living import drag, needs_browser, needs_site, states

PAGE = "book/04_local_grid.html"
NUMBER = r"-?\d+\.\d+"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


class Given:
    """The page's own state, as tensors."""

    def __init__(self) -> None:
        traits = states(PAGE)["lookup2d"]
        self.R = traits["R"]
        self.G = torch.from_numpy(np.frombuffer(traits["G"], "<f4").reshape(self.R, self.R, -1).copy()).double()
        self.places = torch.from_numpy(np.frombuffer(traits["places"], "<f4").reshape(-1, 2).copy()).double()
        self.c = traits["c"]

    def read(self, c: torch.Tensor, aligned: bool = True, padding: str = "border") -> torch.Tensor:
        return interpolate(self.G, knot_position(c, self.R, align_corners=aligned), padding_mode=padding)

    def distances(self, c: list[float], **rules: object) -> torch.Tensor:
        reading = self.read(torch.tensor([c], dtype=torch.float64), **rules)
        return (self.read(self.places) - reading).square().sum(dim=1)


def numbers(figure: Locator) -> list[float]:
    """c, v and the four weights as the sentence gives them."""
    words = re.sub(r"G\[[^]]*\]", "", figure.locator(".grad-sentence").inner_text().replace("−", "-"))
    return [float(number) for number in re.findall(NUMBER, words)]


def album(figure: Locator) -> list[tuple[int, float]]:
    """Number and distance of each patch that is shown."""
    labels = [button.get_attribute("aria-label") for button in figure.locator(".grad-patches button").all()]
    found = [re.match(r"\d: (\S+), patch (\d+);", label or "") for label in labels]
    return [(int(match[2]), float(match[1])) for match in found if match]


def check(figure: Locator, given: Given, **rules: object) -> list[float]:
    """The sentence and the album against gradlib; returns c."""
    *c, first, second, a, b, d, e = numbers(figure)
    aligned = bool(rules.get("aligned", True))
    assert (first, second) == pytest.approx(
        knot_position(torch.tensor(c), given.R, align_corners=aligned).tolist(), abs=3e-3
    )
    if rules.get("padding", "border") == "border":
        assert a + b + d + e == pytest.approx(1, abs=3e-3)
    distances = given.distances(c, **rules)
    shown = album(figure)
    assert len(shown) == 6
    for (number, distance), best in zip(shown, distances.sort().values, strict=False):
        assert distance == pytest.approx(distances[number].item(), rel=0.02, abs=0.2)  # the sentence rounds c
        assert distance == pytest.approx(best.item(), rel=0.02, abs=0.2)
    return c


def test_keys_move_the_point_and_the_nearest_patches_are_python_s(open_figure: Callable[..., Locator]) -> None:
    given, figure = Given(), open_figure(PAGE, "lookup2d")
    assert check(figure, given) == pytest.approx(given.c)
    exact = given.distances(given.c).sort()
    assert [n for n, _ in album(figure)] == exact.indices[:6].tolist()
    assert [d for _, d in album(figure)] == pytest.approx(exact.values[:6].tolist(), abs=0.051)
    point = figure.get_by_role("slider", name="coordinates c")
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "Shift+ArrowLeft"):
        point.press(key)
    assert check(figure, given) == pytest.approx([given.c[0] - 0.18, given.c[1] + 0.04], abs=1e-3)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_dragging_and_pressing_a_patch(open_figure: Callable[..., Locator], touch: bool) -> None:
    given, figure = Given(), open_figure(PAGE, "lookup2d", has_touch=touch)
    drag(figure.get_by_role("slider", name="coordinates c"), -70, -40, touch=touch)
    c = check(figure, given)
    assert c[0] < given.c[0] - 0.2
    assert c[1] > given.c[1] + 0.1
    number, _ = album(figure)[2]
    button = figure.locator(".grad-patches button").nth(2)
    button.tap() if touch else button.click()
    assert album(figure)[0] == (number, 0.0)
    assert check(figure, given) == pytest.approx(given.places[number].tolist(), abs=1e-3)
    assert redraws(figure)


def test_another_rule_reads_another_feature(open_figure: Callable[..., Locator]) -> None:
    given, figure = Given(), open_figure(PAGE, "lookup2d")
    figure.locator(".grad-patches button").first.press("Enter")
    assert album(figure)[0][1] == 0
    figure.get_by_label("outermost knots at −1 and 1").uncheck()
    figure.get_by_label("beyond the ends").select_option("zeros")
    for _ in range(4):
        figure.get_by_role("slider", name="coordinates c").press("Shift+ArrowRight")
    check(figure, given, aligned=False, padding="zeros")
    assert album(figure)[0][1] > 0


def test_narrow_page_has_no_sideways_scroll(open_figure: Callable[..., Locator]) -> None:
    figure = open_figure(PAGE, "lookup2d", viewport={"width": 390, "height": 844})
    expect(figure).to_have_attribute("aria-label", re.compile("faint dots"))
    box = figure.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    assert figure.evaluate("node => node.scrollWidth <= node.clientWidth")
