"""The explorer on the built site, by mouse, finger and keys: numbers are the page's data, pictures are the file's."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from gradbook.bench.browser import SITE, redraws
from gradbook.living.explorer import NETWORK
from gradlib.deploy.onnx_session import open_session
from living import drag, figure_on, needs_browser, needs_site, opened, states

PAGE = "book/11_coordinate_space.html"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]
Open = Callable[..., Locator]
COMPUTED, READ = "computed in this page", "canvas => [...canvas.getContext('2d').getImageData(0, 0, 112, 112).data]"


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """The page's own data as arrays."""
    traits = states(PAGE)["explorer"]
    N, (H, W) = len(traits["names"]), traits["size"]
    return {
        **traits,
        "v_g": np.frombuffer(traits["v_g"], "<f4").reshape(2, N).T,
        "v_l": np.frombuffer(traits["v_l"], np.uint8).reshape(N, 2, H, W).astype("f4") / 127.5 - 1,
        "d": np.frombuffer(traits["d"], np.uint8).reshape(N, H, W) * (traits["d_top"] / 255),
        "score": np.frombuffer(traits["score"], "<f4"),
    }


def line(figure: Locator, number: int) -> str:
    return figure.locator(".grad-sentence").nth(number).inner_text().replace("−", "-")


def numbers(words: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", words)]


def free(figure: Locator) -> Locator:
    return figure.get_by_role("slider", name="free point")


def place(figure: Locator) -> list[float]:
    """Where the free point is, to two digits."""
    return numbers(free(figure).get_attribute("aria-valuetext").replace("−", "-"))


def assert_tells(words: str, state: dict[str, Any], number: int) -> None:
    """The sentence gives this photograph's name, kind, score and place."""
    name = state["names"][number]
    kind = "defective" if state["label"][number] else "normal"
    assert words.startswith(f"{name}: {state['categories'][state['category_numbers'][number]]}, {kind}, score")
    expected = [state["score"][number], *state["v_g"][number]]
    assert numbers(words.removeprefix(name)) == pytest.approx(expected, abs=0.0051)


def assert_patch(words: str, state: dict[str, Any], number: int) -> None:
    """The sentence gives the coordinates and the error of the patch that it names."""
    row, column = map(int, re.findall(r"row (\d+), column (\d+)", words)[0])
    *v, d = numbers(words)
    assert v == pytest.approx(state["v_l"][number, :, row, column], abs=0.0051)
    assert d == pytest.approx(state["d"][number, row, column], abs=0.051)


def on_screen(figure: Locator, plane: str, x: float, y: float) -> tuple[float, float]:
    """Where a coordinate lies on the screen, by two labelled ticks of the axes."""
    at = figure.locator(f".grad-space-{plane} svg.grad-plane").evaluate(
        """(svg, [x, y]) => {
          const lines = [...svg.querySelectorAll('.grad-axes line')].map(line => line.getBoundingClientRect());
          const [left, right] = [lines[0].x, lines[2].x], [low, high] = [lines[3].y, lines[5].y];
          return [left + (x + 1) / 2 * (right - left), low + (y + 1) / 2 * (high - low)];
        }""",
        [float(x), float(y)],
    )
    return at[0], at[1]


def alone(points: np.ndarray, *, away_from: np.ndarray) -> int:
    """The point that is furthest from all others and from one place: a pointer cannot mean another."""
    far = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(len(points))
    return int(np.minimum(far.min(axis=1), np.linalg.norm(points - away_from, axis=1) / 4).argmax())


def assert_picture(figure: Locator, state: dict[str, Any], number: int, at: list[float]) -> None:
    """What the page painted is what the same file gives in Python, but for the rounding to bytes."""
    session = open_session(SITE / "_static" / "generated" / NETWORK)
    (picture,) = session.run(None, {"local": state["v_l"][[number]], "free": np.array([at], "f4")})
    canvas = figure.get_by_role("img", name="picture of the normal feature")
    pixels = np.array(canvas.evaluate(READ), "f4").reshape(112, 112, 4)[:, :, :3]
    assert np.abs(pixels - np.rint(255 * picture[0].transpose(1, 2, 0))).mean() / 255 < 1e-3


def test_keys_walk_and_the_picture_is_python_s(open_figure: Open, state: dict[str, Any]) -> None:
    figure, status = (opened := open_figure(PAGE, "explorer")), opened.locator(".grad-status")
    expect(status).to_contain_text("computed beforehand")
    start = state["free"]
    free(figure).press("Shift+ArrowLeft")
    free(figure).press("ArrowDown")
    at = [start[0] - 0.2, start[1] - 0.02]
    expect(status).to_contain_text(COMPUTED, timeout=30_000)
    assert place(figure) == pytest.approx(at, abs=0.0051)
    expect(status).to_contain_text(re.compile(r"in \d+ ms"))
    assert_picture(figure, state, state["selected"], at)
    figure.get_by_role("button", name=f"to the middle of {state['categories'][1]}").click()
    members = np.array(list(state["category_numbers"])) == 1
    normal = members & (np.array(list(state["label"])) == 0)
    middle = state["v_g"][normal].mean(axis=0)
    assert place(figure) == pytest.approx(middle, abs=0.0051)
    expect(status).to_contain_text(f"{middle[1]:.2f}".replace("-", "−"))
    assert_picture(figure, state, state["selected"], middle.tolist())


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_after_a_drag_the_last_place_is_shown(open_figure: Open, state: dict[str, Any], touch: bool) -> None:
    figure = open_figure(PAGE, "explorer", has_touch=touch)
    before = place(figure)
    drag(free(figure), -90, 40, touch=touch, steps=25)
    at = place(figure)
    assert at[0] < before[0] - 0.3
    expect(figure.locator(".grad-status")).to_contain_text(
        re.compile(rf"\({at[0]:.2f}, {at[1]:.2f}\): {COMPUTED}".replace("-", "−")), timeout=30_000
    )
    assert_picture(figure, state, state["selected"], at)
    assert redraws(figure)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_an_image_is_shown_under_the_pointer_and_selected(
    open_figure: Open, state: dict[str, Any], touch: bool
) -> None:
    figure = open_figure(PAGE, "explorer", has_touch=touch)
    number = alone(state["v_g"], away_from=np.array(state["free"]))
    figure.locator(".grad-space-global").scroll_into_view_if_needed()
    at = on_screen(figure, "global", *state["v_g"][number])
    if touch:
        figure.page.touchscreen.tap(*at)
    else:
        figure.page.mouse.move(*at)
        assert_tells(line(figure, 0), state, number)
        figure.page.mouse.move(2, 2)
        assert_tells(line(figure, 0), state, state["selected"])
        figure.page.mouse.click(*at)
    assert_tells(line(figure, 0), state, number)
    assert_patch(line(figure, 1), state, number)


def test_slider_steps_through_the_photographs(open_figure: Open, state: dict[str, Any]) -> None:
    figure = open_figure(PAGE, "explorer")
    for step in (1, 2):
        figure.locator("input[type=range]").press("ArrowRight")
        assert_tells(line(figure, 0), state, state["selected"] + step)
    expect(figure.locator(".grad-status")).to_contain_text(COMPUTED, timeout=30_000)
    assert_picture(figure, state, state["selected"] + 2, state["free"])


def test_a_patch_is_marked_in_both(open_figure: Open, state: dict[str, Any]) -> None:
    figure, number, (_, W) = open_figure(PAGE, "explorer"), state["selected"], state["size"]
    spot = figure.get_by_role("slider", name="patch of the photograph")
    row, column = divmod(state["patch"], W)
    spot.press("ArrowUp")
    spot.press("ArrowLeft")
    assert f"row {max(row - 1, 0)}, column {max(column - 1, 0)}:" in line(figure, 1)
    assert_patch(line(figure, 1), state, number)
    patch = alone(state["v_l"][number].reshape(2, -1).T, away_from=np.array([9, 9]))
    figure.locator(".grad-space-local").scroll_into_view_if_needed()
    figure.page.mouse.click(*on_screen(figure, "local", *state["v_l"][number].reshape(2, -1)[:, patch]))
    assert f"row {patch // W}, column {patch % W}:" in line(figure, 1)
    assert spot.get_attribute("aria-valuenow") == f"{patch}.000"


def test_without_webassembly_the_nearest_picture_is_shown(browser: Browser, host: str, state: dict[str, Any]) -> None:
    tab = opened(browser, host + PAGE, prepare=lambda tab: tab.add_init_script("delete globalThis.WebAssembly"))
    figure = figure_on(tab, "explorer")
    free(figure).press("Shift+ArrowLeft")
    status = figure.locator(".grad-status")
    expect(status).to_contain_text("the nearest of 50 computed beforehand", timeout=10_000)
    expect(status).to_contain_text("this browser has no WebAssembly")
    shown, places = (
        numbers(status.inner_text().replace("−", "-")),
        np.frombuffer(state["places"], "<f4").reshape(2, -1).T,
    )
    at = np.array([state["free"][0] - 0.2, state["free"][1]])
    nearest = places[np.linalg.norm(places - at, axis=1).argmin()]
    assert shown == pytest.approx(nearest, abs=0.0051)
    tab.context.close()
