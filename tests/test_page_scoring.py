"""Scoring on the built site: by mouse, finger and keys, scores and ranks are those of PyTorch."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect
from torch import Tensor
from torch.nn import functional as F

from gradbook.bench.browser import redraws
from gradlib.scores import anomaly_map, image_score
from living import drag, needs_browser, needs_site, states

PAGE = "book/08_map_and_scores.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def maps(state: dict[str, Any]) -> Tensor:
    """d as the page carries it, (B, H, W) in double precision."""
    d = np.frombuffer(state["d"], "<f4").reshape(len(state["names"]), *state["map_size"])
    return torch.from_numpy(d.astype(np.float64))


def assert_table_is(figure: Locator, d: Tensor, scores: Tensor) -> None:
    """Largest d and score to both digits, and ranks that fit the scores."""
    for i, row in enumerate(figure.locator("tbody tr").all()):
        largest, score, rank = (float(text) for text in row.locator("td").all_inner_texts())
        assert (largest, score) == pytest.approx((d[i].max().item(), scores[i].item()), abs=0.0051)
        assert rank == 1 + int((scores > scores[i]).sum())


def test_the_page_opens_under_the_paper_s_protocol(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["scoring"], open_figure(PAGE, "scoring")
    d = maps(state)
    assert_table_is(figure, d, image_score(anomaly_map(d, state["size"])))
    figure.get_by_role("button", name="Released code").click()
    assert_table_is(figure, d, image_score(anomaly_map(d, state["size"], "released"), "released"))
    figure.get_by_role("button", name="Paper").click()
    assert_table_is(figure, d, image_score(anomaly_map(d, state["size"])))


def test_keys_take_the_window_to_both_ends_and_corners_change(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["scoring"], open_figure(PAGE, "scoring")
    d, window = maps(state), figure.get_by_role("slider", name="pooling window")
    window.press("Home")
    assert_table_is(figure, d, anomaly_map(d, state["size"]).amax(dim=(1, 2)))  # pixels need not meet d's own peaks
    expect(figure.locator(".grad-sentence")).to_contain_text("224 × 224 windows")
    window.press("End")
    assert_table_is(figure, d, anomaly_map(d, state["size"]).mean(dim=(1, 2)))
    figure.get_by_role("checkbox", name="corners aligned").uncheck()
    edges = F.interpolate(d[:, None], (state["size"],) * 2, mode="bilinear", align_corners=False)
    assert_table_is(figure, d, edges.mean(dim=(1, 2, 3)))


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_a_dragged_slider_redraws(open_figure: Callable[..., Locator], touch: bool) -> None:
    state, figure = states(PAGE)["scoring"], open_figure(PAGE, "scoring", has_touch=touch)
    slider, d = figure.get_by_role("slider", name="pooling window"), maps(state)
    drag(slider, 40, 0, touch=touch, steps=20)
    window = int(slider.input_value())
    assert window > state["default_window"]
    means = F.avg_pool2d(anomaly_map(d, state["size"])[:, None], window, stride=1)
    assert_table_is(figure, d, means.amax(dim=(1, 2, 3)))
    assert redraws(figure)


def test_another_photograph_on_a_telephone(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["scoring"], open_figure(PAGE, "scoring", viewport={"width": 390, "height": 844})
    figure.get_by_role("combobox", name="photograph").select_option(label=state["names"][-1])
    score = image_score(anomaly_map(maps(state), state["size"]))[-1].item()
    told = re.search(r"the score, is (\S+), its", figure.locator(".grad-sentence").inner_text())
    assert told
    assert float(told[1]) == pytest.approx(score, abs=0.0051)
    expect(figure.get_by_role("img", name=re.compile("^means of the windows: highest"))).to_be_visible()
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 390
