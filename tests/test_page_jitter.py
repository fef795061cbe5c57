"""The figure of coordinate jitter on the built site: by mouse, finger and keys, its numbers are PyTorch's."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from gradbook.bench.browser import redraws
from gradlib.grids import LocalGrid
from javascript import call
from living import drag, needs_browser, needs_site, states

PAGE = "book/06_coordinate_jitter.html"
MOST = 200  # draws
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def places_of(name: str) -> tuple[int, torch.Tensor]:
    """Number and coordinates (N, 2) of one of the figure's sets of patches."""
    traits = states(PAGE)["jitter"]
    chosen = traits["names"].index(name)
    start = sum(traits["counts"][:chosen])
    every = np.frombuffer(traits["places"], "<f4").reshape(-1, 2)
    return chosen, torch.from_numpy(every[start : start + traits["counts"][chosen]].copy()).double()


def gradient(c: torch.Tensor) -> torch.Tensor:
    """(64,): what autograd gives the knots for readings at c (N, 2)."""
    grid = LocalGrid(2, 8, 1).double()
    (found,) = torch.autograd.grad(grid(c.T[None, :, :, None]).sum(), grid.G)
    return found.flatten()


def steps(c: torch.Tensor, draws: int, *, seed: int = 0, per: str = "pixel", std: float = 0.05) -> torch.Tensor:
    """(draws, 64): footprints of jittered places, from the page's own noise and with PyTorch's gradients."""
    noise = call("jitter_maths", "stepNoise", [[seed * MOST + step, len(c), per] for step in range(draws)])
    moved = []
    for step in noise:
        coins, epsilon = torch.tensor(step["coins"]), torch.tensor(step["noise"], dtype=torch.float64).view(-1, 2)
        moved.append(c + std * epsilon * (coins < 0.5)[:, None])
    return torch.stack([gradient(places) for places in moved])


def pick(figure: Locator, name: str, value: str) -> None:
    figure.get_by_role("combobox", name=re.compile(f"^{name}")).select_option(value)


def told(figure: Locator) -> list[float]:
    """All numbers of the sentence."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", figure.locator(".grad-sentence").inner_text())]


def expected(c: torch.Tensor, footprints: torch.Tensor) -> list[float]:
    """What the sentence should say: touched without; with: mean, least, most, draws, ever; differences."""
    before = gradient(c)
    each, apart = (footprints > 0).sum(dim=1).double(), (footprints - before).norm(dim=1)
    touched, ever = (before > 0).sum().item(), (footprints.sum(dim=0) > 0).sum().item()
    share = [64, round(100 * touched / 64 + 1e-9)], [64, round(100 * ever / 64 + 1e-9)]
    with_jitter = [each.mean(), each.min(), each.max(), len(footprints), ever, *share[1]]
    return [touched, *share[0], *map(float, with_jitter), *map(float, (apart.mean(), apart.min(), apart.max()))]


@pytest.mark.parametrize("per", ["pixel", "batch"])
def test_counts_of_many_draws_are_pytorch_s(open_figure: Callable[..., Locator], per: str) -> None:
    chosen, c = places_of("a mono cell")
    figure = open_figure(PAGE, "jitter")
    pick(figure, "patches", str(chosen))
    pick(figure, "one coin", per)
    draws = figure.get_by_role("slider", name="draws")
    for _ in range(11):
        draws.press("ArrowRight")
    found = steps(c, 12, per=per)
    assert told(figure) == pytest.approx(expected(c, found), abs=0.051)
    shown = [text.replace("<", "") for text in figure.locator("svg").nth(1).locator("g > text").all_text_contents()]
    numbers = [float(text) for text in shown if re.fullmatch(r"\d*\.\d+", text)]
    touched = found.mean(dim=0)[found.mean(dim=0) > 0]
    assert numbers == pytest.approx(touched.tolist(), abs=0.051)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_sliders_and_new_draw(open_figure: Callable[..., Locator], touch: bool) -> None:
    chosen, c = places_of("one patch, at an edge")
    figure = open_figure(PAGE, "jitter", has_touch=touch)
    pick(figure, "patches", str(chosen))
    assert told(figure)[:1] == [4]
    strength = figure.get_by_role("slider", name="noise σ")
    box = strength.bounding_box()
    assert box is not None
    if touch:
        strength.tap(position={"x": 0.8 * box["width"], "y": box["height"] / 2})
    else:
        drag(strength, 0.3 * box["width"], 0)
    std = float(strength.input_value())
    assert std > 0.2
    draws = figure.get_by_role("slider", name="draws")
    for key in ("End", "Home", *["ArrowRight"] * 19):  # all draws, one, twenty
        draws.press(key)
    again = figure.get_by_role("button", name="new draw")
    again.tap() if touch else again.click()
    assert told(figure) == pytest.approx(expected(c, steps(c, 20, seed=1, std=std)), abs=0.051)


def test_all_draws_of_a_photograph_are_quick(open_figure: Callable[..., Locator]) -> None:
    chosen, c = places_of("a poly cell")
    figure = open_figure(PAGE, "jitter")
    pick(figure, "patches", str(chosen))
    figure.get_by_role("slider", name="draws").press("End")
    strength = figure.get_by_role("slider", name="noise σ")
    before = len(redraws(figure))
    for _ in range(20):
        strength.press("ArrowRight")
    assert len(redraws(figure)) > before
    pick(figure, "show", "patches")
    path = figure.locator("svg").first.locator("g > path").last.get_attribute("d") or ""
    assert path.count("M") == len(c)


def test_narrow_page_has_no_sideways_scroll(open_figure: Callable[..., Locator]) -> None:
    figure = open_figure(PAGE, "jitter", viewport={"width": 390, "height": 844})
    expect(figure).to_have_attribute("aria-label", re.compile("8 by 8 knots"))
    assert figure.evaluate("node => node.scrollWidth <= node.clientWidth")
