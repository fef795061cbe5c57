"""Refinement on the built site: by mouse, finger and keys, S, d and the scores are those of PyTorch."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from gradbook.bench.browser import redraws
from gradlib.scores import anomaly_map, image_score
from living import drag, needs_browser, needs_site, states

PAGE = "book/07_feature_refinement.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("\N{NO-BREAK SPACE}%", ""))


def maps(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What the page carries for each pixel, (B, H, W) in double precision."""
    shape = (len(state["names"]), *state["map_size"])
    found = {name: np.frombuffer(state[name], "<f4").reshape(shape) for name in ("mse", "cosine", "distance")}
    return {name: torch.from_numpy(values.astype(np.float64)) for name, values in found.items()}


def expected(state: dict[str, Any], **changes: float) -> dict[str, torch.Tensor]:
    """S, d, the share below k and both scores, recomputed from the page's own numbers."""
    at, rules = maps(state), {name: state[name] for name in ("k", "lambda_1", "lambda_2")} | changes
    S = rules["lambda_1"] * (at["mse"] < rules["k"]) + rules["lambda_2"] * at["cosine"]
    d = (1 - S).abs() * at["distance"]
    scores = [image_score(anomaly_map(values, state["size"])) for values in (d, at["distance"])]
    return {
        **at,
        "S": S,
        "d": d,
        "share": (at["mse"] < rules["k"]).double().mean((1, 2)),
        "scores": torch.stack(scores),
    }


def assert_table_is(figure: Locator, known: dict[str, torch.Tensor]) -> None:
    for i, row in enumerate(figure.locator("tbody tr").all()):
        share, score, plain = (number(text) for text in row.locator("td").all_inner_texts())
        assert share == pytest.approx(100 * known["share"][i].item(), abs=0.51)
        assert (score, plain) == pytest.approx(tuple(known["scores"][:, i].tolist()), abs=0.0051)


def assert_sentence_is(figure: Locator, known: dict[str, torch.Tensor], photograph: int = 0) -> tuple[int, int]:
    words = figure.locator(".grad-sentence").inner_text()
    found = re.match(r"Row (\d+), column (\d+): mse (\S+) (.) k.* = (\S+) and d = .* · (\S+) = (\S+)$", words)
    assert found, words
    row, column, mse, sign, S, distance, d = found.groups()
    at = (photograph, int(row), int(column))
    told = {"mse": mse, "S": S, "distance": distance, "d": d}
    for name, text in told.items():
        assert number(text) == pytest.approx(known[name][at].item(), abs=5.1e-4), name
    assert sign in "<≥"
    return int(row), int(column)


def test_the_page_opens_as_the_model_was_trained(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["refinement"], open_figure(PAGE, "refinement")
    assert {name: state[name] for name in state["trained"]} == state["trained"]
    assert_table_is(figure, expected(state))
    assert_sentence_is(figure, expected(state))
    expect(figure.get_by_role("img", name=re.compile(r"^S: "))).to_be_visible()


def test_keys_move_k_and_both_weights(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["refinement"], open_figure(PAGE, "refinement")
    k = figure.get_by_role("slider", name="k", exact=True)
    k.press("End")
    known = expected(state, k=10 ** float(k.input_value()))
    assert known["share"].min() == 1, "at the right end mse < k everywhere"
    assert_table_is(figure, known)
    for name in ("λ₁", "λ₂"):
        figure.get_by_role("slider", name=re.compile(name)).press("Home")
    assert_table_is(figure, expected(state, lambda_1=0.0, lambda_2=0.0, k=10 ** float(k.input_value())))
    assert_sentence_is(figure, expected(state, lambda_1=0.0, lambda_2=0.0))
    figure.get_by_role("button", name="As trained").click()
    assert_table_is(figure, expected(state))


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_the_point_picks_a_pixel(open_figure: Callable[..., Locator], touch: bool) -> None:
    state, figure = states(PAGE)["refinement"], open_figure(PAGE, "refinement", has_touch=touch)
    point = figure.get_by_role("slider", name="pixel")
    row, column = state["pixel"]
    across, down = 60 if column < 7 else -60, 40 if row < 7 else -40
    drag(point, across, down, touch=touch)
    moved = assert_sentence_is(figure, expected(state))
    assert (np.sign(moved[1] - column), np.sign(moved[0] - row)) == (np.sign(across), np.sign(down))
    point.press("ArrowUp")
    point.press("ArrowLeft")
    assert assert_sentence_is(figure, expected(state)) == (moved[0] - 1, moved[1] - 1)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_a_dragged_slider_redraws(open_figure: Callable[..., Locator], touch: bool) -> None:
    state, figure = states(PAGE)["refinement"], open_figure(PAGE, "refinement", has_touch=touch)
    k = figure.get_by_role("slider", name="k", exact=True)
    before = k.input_value()
    drag(k, 60, 0, touch=touch, steps=30)
    assert float(k.input_value()) > float(before)
    assert_table_is(figure, expected(state, k=10 ** float(k.input_value())))
    assert redraws(figure)


def test_another_photograph_and_channel_on_a_telephone(open_figure: Callable[..., Locator]) -> None:
    state, figure = states(PAGE)["refinement"], open_figure(PAGE, "refinement", viewport={"width": 390, "height": 844})
    figure.get_by_role("combobox", name=re.compile("^photograph")).select_option(label=state["names"][-1])
    assert_sentence_is(figure, expected(state), len(state["names"]) - 1)
    before = figure.get_by_role("img", name=re.compile("^x:")).get_attribute("aria-label")
    figure.get_by_label("channel").select_option(index=1)
    assert figure.get_by_role("img", name=re.compile("^x:")).get_attribute("aria-label") != before
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 390
