"""The switches of the evaluation on the built site: by mouse, finger and keys, AUROC, maps and ranks are Python's."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from gradbook.analysis.protocol_switches import Reading, anomaly_maps, image_scores
from gradbook.bench.browser import redraws
from living import needs_browser, needs_site, states

PAGE = "book/13_paper_and_code.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ").split(" %")[0])


def table(state: dict[str, Any], name: str) -> np.ndarray:
    """(combinations, ...) of a trait, in double precision."""
    return np.frombuffer(state[name], "<f4").astype(np.float64).reshape(2 ** (len(state["switches"]) - 1), -1)


def flip(figure: Locator, state: dict[str, Any], *keys: str) -> None:
    for switch in state["switches"]:
        if switch["key"] in keys:
            figure.get_by_role("checkbox", name=switch["label"], exact=True).click()


def assert_shown(figure: Locator, state: dict[str, Any], on: set[str], photograph: int = 0) -> None:
    """The table, the sentence and both maps' labels, recomputed from the page's own numbers."""
    keys = [switch["key"] for switch in state["switches"]]
    for switch in state["switches"]:
        box = figure.get_by_role("checkbox", name=switch["label"], exact=True)
        expect(box).to_be_checked(checked=switch["key"] in on)
    row = sum(2**i for i, key in enumerate(keys[:-1]) if key in on)
    value, low, high = (100 * table(state, name) for name in ("values", "low", "high"))
    shown = [line.locator("td").all_inner_texts() for line in figure.locator("tbody tr").all()]
    for column in range(len(state["names"])):
        paper, chosen, points, bounds = shown[column]
        assert (number(paper), number(chosen)) == pytest.approx((value[0, column], value[row, column]), abs=0.0051)
        assert number(points) == pytest.approx(value[row, column] - value[0, column], abs=0.0051)
        if row:
            told = [number(text) for text in bounds.split(" to ")]
            assert told == pytest.approx([low[row, column], high[row, column]], abs=0.0051)
    last, best = 100 * np.mean(state["epochs"], axis=0)
    assert number(shown[-1][1]) == pytest.approx(best if "best_epoch" in on else last, abs=0.0051)

    d = np.frombuffer(state["maps"], "<f4").reshape(-1, *state["map_size"])[photograph].astype(np.float64)
    readings = [Reading(), Reading(**{key: key in on for key in keys[:-1]})]
    expected = [image_scores(torch.from_numpy(d)[None], state["size"], reading).item() for reading in readings]
    words = figure.locator(".grad-sentence").inner_text().replace("\N{NO-BREAK SPACE}", " ")
    scores = re.search(r"image score (\S+) under the paper's protocol, (\S+) as chosen", words)
    shares = re.search(r"class, (\S+) % score below it under the paper's protocol, (\S+) % as chosen", words)
    assert scores, words
    assert shares, words
    assert [number(text) for text in scores.groups()] == pytest.approx(expected, abs=0.0051)
    ranks = 100 * table(state, "ranks")[[0, row], photograph]
    assert [number(text) for text in shares.groups()] == pytest.approx(ranks, abs=0.51)
    assert state["examples"][photograph] in words
    for title, reading in zip(("map, paper", "map, chosen"), readings, strict=True):
        label = figure.get_by_role("img", name=re.compile(f"^{title}")).get_attribute("aria-label") or ""
        top = anomaly_maps(torch.from_numpy(d)[None], state["size"], reading)[:, ::2, ::2].max().item()  # as drawn
        assert number(re.search(r"0 to (\S+),", label)[1]) == pytest.approx(top, abs=0.0051)  # type: ignore[index]


def test_the_page_opens_under_the_paper_s_protocol(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["protocol"], open_figure(PAGE, "protocol")
    assert_shown(figure, state, set())


def test_each_switch_and_both_buttons_do_what_python_says(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["protocol"], open_figure(PAGE, "protocol")
    for switch in state["switches"]:
        flip(figure, state, switch["key"])
        assert_shown(figure, state, {switch["key"]})
        flip(figure, state, switch["key"])
    figure.get_by_role("button", name="Released program").click()
    assert_shown(figure, state, {switch["key"] for switch in state["switches"] if switch["released"]})
    figure.get_by_role("button", name="Paper").click()
    assert_shown(figure, state, set())


def test_smoothing_needs_both_of_its_switches(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["protocol"], open_figure(PAGE, "protocol")
    flip(figure, state, "score_smoothed")
    expect(figure.locator(".grad-sentence")).to_contain_text("nothing to act on")
    flip(figure, state, "smooth")
    expect(figure.locator(".grad-sentence")).not_to_contain_text("nothing to act on")
    assert_shown(figure, state, {"smooth", "score_smoothed"})


def test_keys_flip_and_redraw_quickly(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["protocol"], open_figure(PAGE, "protocol")
    first = figure.get_by_role("checkbox", name=state["switches"][0]["label"], exact=True)
    first.press("Space")
    assert_shown(figure, state, {"smooth"})
    first.press("Tab")
    figure.page.keyboard.press("Space")
    assert_shown(figure, state, {"smooth", "score_smoothed"})
    for _ in range(10):
        first.press("Space")
    assert redraws(figure)


def test_another_photograph_by_finger_on_a_telephone(open_figure: Callable[..., Locator]) -> None:
    telephone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    state, figure = states(PAGE)["protocol"], open_figure(PAGE, "protocol", **telephone)
    last = len(state["examples"]) - 1
    figure.get_by_role("combobox", name=re.compile("^photograph")).select_option(index=last)
    assert_shown(figure, state, set(), last)
    figure.get_by_role("checkbox", name=state["switches"][2]["label"], exact=True).tap()
    assert_shown(figure, state, {state["switches"][2]["key"]}, last)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 390
