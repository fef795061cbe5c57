"""The threshold on the built site: by mouse, finger and keys, its counts, rates and masks are Python's."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, expect

from conftest import save
from gradbook.bench.browser import redraws, served
from gradbook.living.threshold import Threshold
from gradbook.study.record import Scores
from gradlib.deploy.thresholds import confusion
from gradlib.scores import anomaly_map
from living import drag, needs_browser, needs_site, opened, states, write_page

PAGE = "book/10_reading_the_result.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def numbers(state: dict[str, Any], name: str) -> np.ndarray:
    return np.frombuffer(state[name], "<f4").astype(np.float64)


def threshold_of(figure: Locator) -> float:
    """To three digits; the sentence has two."""
    return float(figure.get_by_role("slider", name="threshold").get_attribute("aria-valuenow") or "")


def assert_sentence_is(figure: Locator, state: dict[str, Any], category: int = -1) -> dict[str, int]:
    """Counts and rates as Python has them; 1e-3 of the threshold is not on the page, so a count may differ by those."""
    words = figure.locator(".grad-sentence").inner_text().replace("\N{NO-BREAK SPACE}", " ")
    score, label = numbers(state, "scores"), numbers(state, "labels")
    rows = (category < 0) | (numbers(state, "categories") == category)
    bounds = [confusion(score[rows], label[rows], threshold_of(figure) + shift) for shift in (-6e-4, 6e-4)]
    found, missed, recall = re.search(r"(\d+) found, (\d+) missed, recall (\S+) %", words).groups()  # type: ignore[union-attr]
    alarms, passed, rate = re.search(r"(\d+) false alarms, (\d+) passed, false alarm rate (\S+) %", words).groups()  # type: ignore[union-attr]
    counts = {"found": int(found), "missed": int(missed), "false alarms": int(alarms), "passed": int(passed)}
    for name, count in counts.items():
        low, high = sorted(bound[name] for bound in bounds)
        assert low <= count <= high, name
    assert float(recall) == pytest.approx(100 * int(found) / label[rows].sum(), abs=0.051)
    assert float(rate) == pytest.approx(100 * int(alarms) / (1 - label[rows]).sum(), abs=0.051)
    if called := int(found) + int(alarms):
        precision = re.search(r"precision (\S+) %", words)
        assert precision
        assert float(precision[1]) == pytest.approx(100 * int(found) / called, abs=0.051)
    return counts


def assert_exhibits_are(figure: Locator, state: dict[str, Any], category: int = -1) -> list[str]:
    """Each photograph's verdict from its score, and the share of its map at or above the threshold."""
    threshold, score, label = threshold_of(figure), numbers(state, "scores"), numbers(state, "labels")
    maps = torch.from_numpy(numbers(state, "maps").reshape(-1, *state["map_size"]))
    shown = [one for one in state["examples"] if one["category"] == category]
    words = figure.locator(".grad-title").all_inner_texts()
    assert len(words) == len(shown)
    for one, text in zip(shown, words, strict=True):
        assert one["reason"] in text
        if abs(score[one["row"]] - threshold) > 1e-3:
            outcome = [["Passed", "False alarm"], ["Missed", "Found"]][int(label[one["row"]])]
            assert outcome[int(score[one["row"]] >= threshold)] in text
        marked = re.search(r"(\S+)\s% marked", text)
        assert marked
        upsampled = anomaly_map(maps[[one["tile"]]], state["size"], state["protocol"])
        assert float(marked[1]) == pytest.approx(100 * (upsampled >= threshold).double().mean().item(), abs=0.08)
    return words


def test_the_page_opens_where_nine_in_ten_normals_pass(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["threshold"], open_figure(PAGE, "threshold")
    counts = assert_sentence_is(figure, state)
    assert counts["passed"] / (counts["passed"] + counts["false alarms"]) == pytest.approx(0.9, abs=0.01)
    assert len(assert_exhibits_are(figure, state)) == 6


def test_keys_move_the_threshold_to_both_ends(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["threshold"], open_figure(PAGE, "threshold")
    point = figure.get_by_role("slider", name="threshold")
    before = threshold_of(figure)
    point.press("ArrowRight")
    assert threshold_of(figure) > before
    assert_sentence_is(figure, state)
    for _ in range(22):
        point.press("Shift+ArrowRight")
    nothing = assert_sentence_is(figure, state)
    assert nothing["found"] == nothing["false alarms"] == 0
    expect(figure.locator(".grad-sentence")).to_contain_text("precision undefined")
    for _ in range(22):
        point.press("Shift+ArrowLeft")
    everything = assert_sentence_is(figure, state)
    assert everything["missed"] == everything["passed"] == 0
    assert_exhibits_are(figure, state)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_dragging_moves_counts_and_masks(open_figure: Callable[..., Locator], touch: bool) -> None:
    state, figure = states(PAGE)["threshold"], open_figure(PAGE, "threshold", has_touch=touch)
    before, counts = assert_exhibits_are(figure, state), assert_sentence_is(figure, state)
    drag(figure.get_by_role("slider", name="threshold"), 90, 0, touch=touch)
    assert assert_exhibits_are(figure, state) != before
    assert assert_sentence_is(figure, state)["found"] < counts["found"]
    assert redraws(figure)


def test_classes_have_their_own_counts_and_photographs(open_figure: Callable[..., Locator]) -> None:
    state = states(PAGE)["threshold"]
    figure = open_figure(PAGE, "threshold", viewport={"width": 390, "height": 844}, has_touch=True)
    for category, name in enumerate(state["names"]):
        figure.get_by_label("class").select_option(label=name)
        assert_sentence_is(figure, state, category)
        assert_exhibits_are(figure, state, category)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_photograph_shows_its_mask(open_figure: Callable[..., Locator]) -> None:
    figure = open_figure(PAGE, "threshold")
    canvas = figure.get_by_role("img", name=re.compile("Photograph A: Found"))
    reds = """node => { const data = node.getContext('2d').getImageData(0, 0, node.width, node.height).data; let n = 0;
        for (let i = 0; i < data.length; i += 4) n += data[i] > data[i + 2] + 40; return n / (data.length / 4) }"""
    share = float((canvas.get_attribute("aria-label") or "").split(", ")[1].split("\N{NO-BREAK SPACE}")[0]) / 100
    assert canvas.evaluate(reds) == pytest.approx(share, abs=0.01)  # striped in orange, on a grey photograph


@pytest.mark.parametrize("kind", [0, 1], ids=["normal", "defective"])
def test_a_run_of_one_class_and_one_kind_says_what_is_undefined(browser: Browser, tmp_path: Path, kind: int) -> None:
    paths = [save(np.full((8, 8), 99, np.uint8), tmp_path / f"{i}.png") for i in range(4)]
    names, kinds = np.array([path.name for path in paths]), np.array(["nut"] * 4)
    d = np.random.default_rng(0).random((4, 4, 4), np.float32)
    run = Scores(names, kinds, kinds, np.full(4, kind), np.array([3.0, 4.0, 5.0, 8.0], np.float32), d)
    write_page(tmp_path, Threshold(run, paths, size=64, protocol="released"))
    with served(tmp_path) as host:
        tab = opened(browser, host + "figure.html")
        figure = tab.locator('[data-living="threshold"]')
        missing = "No photograph here is " + ("normal" if kind else "defective")
        expect(figure.locator(".grad-sentence")).to_contain_text(missing, timeout=30_000)
        expect(figure).to_contain_text("image scores of its own")
        expect(figure.get_by_label("class")).to_have_count(0)
        figure.get_by_role("slider", name="threshold").press("ArrowLeft")
        expect(figure.locator(".grad-sentence")).to_contain_text("recall 50.0" if kind else "recall is undefined")
        tab.context.close()
