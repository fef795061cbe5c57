"""The detector on the built site: by mouse, finger and keys, its scores are those of Python for the same pixels."""

import base64
import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from easel import PAGE, judged, painted, photographs, settle, shown
from gradbook.bench.browser import SITE, redraws
from gradlib.data.images import squash
from gradlib.deploy.onnx_session import open_session
from living import drag, figure_on, needs_browser, needs_site, opened, states

RUNS = "performance.getEntriesByName('grad-network').map(run => [run.startTime, run.startTime + run.duration])"
pytestmark = [pytest.mark.browser, needs_site, needs_browser]
Open = Callable[..., Locator]


@pytest.fixture(scope="module")
def network() -> InferenceSession:
    return open_session(SITE / "_static" / "generated" / "detector.onnx")


def start(open_figure: Open, photograph: int = 0, **options: object) -> Locator:
    """The figure with the detector running on a photograph."""
    figure = open_figure(PAGE, "detector", **options)
    figure.get_by_role("button", name="Start the detector").click()
    expect(figure.locator("p.grad-sentence")).to_contain_text("the network", timeout=60_000)
    figure.get_by_role("combobox").select_option(str(photograph))
    settle(figure)
    return figure


def same_as_python(figure: Locator, network: InferenceSession, *, tolerance: float = 1e-3) -> tuple[float, ...]:
    """The page's score and means against Python's for the pixels on the easel; returns them."""
    score, inside, outside = shown(figure)
    expected, values = judged(network, painted(figure))
    assert score == pytest.approx(expected, abs=tolerance)
    if inside is None or outside is None:
        return (score,)
    untouched = photographs()[int(figure.get_by_role("combobox").input_value())]
    mask = (squash(painted(figure), 224) != squash(untouched, 224)).any(axis=1)[0]
    assert (inside, outside) == pytest.approx((values[mask].mean(), values[~mask].mean()), abs=0.006)
    return score, inside, outside


def paint_line(figure: Locator, *, touch: bool = False) -> None:
    """A line down through the middle of the photograph."""
    drag(figure.locator(".grad-easel"), 20, 90, touch=touch, steps=12)
    settle(figure)


def test_nothing_heavy_loads_before_it_is_asked_for(open_figure: Open, network: InferenceSession, host: str) -> None:
    figure = open_figure(PAGE, "detector")
    requests: list[str] = []
    figure.page.on("request", lambda request: requests.append(request.url))
    loaded = figure.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [address for address in loaded if "ort" in address or address.endswith(".onnx")]
    for number, picture in enumerate(photographs()):
        figure.get_by_role("combobox").select_option(str(number))
        expect(figure.locator("p.grad-sentence")).to_contain_text("without strokes")
        assert shown(figure)[0] == pytest.approx(judged(network, picture)[0], abs=1e-3)
    button = figure.get_by_role("button", name="Start the detector")
    megabytes = sum(path.stat().st_size for path in (SITE / "_static" / "vendor" / "ort").iterdir())
    megabytes += (SITE / "_static" / "generated" / "detector.onnx").stat().st_size
    expect(button).to_contain_text(f"{megabytes / 1e6:.0f} MB")
    button.click()
    expect(figure.locator("p.grad-sentence")).to_contain_text("the network", timeout=60_000)
    assert any(address.endswith("detector.onnx") for address in requests)
    assert [address for address in requests if not address.startswith((host, "blob:", "data:"))] == []


def test_scores_are_python_s(open_figure: Open, network: InferenceSession) -> None:
    figure = start(open_figure)
    for number, picture in enumerate(photographs()):
        figure.get_by_role("combobox").select_option(str(number))
        settle(figure)
        assert shown(figure)[0] == pytest.approx(judged(network, picture)[0], abs=1e-3)
        np.testing.assert_array_equal(np.array(painted(figure)), np.array(picture.convert("RGB")))
    assert figure.page.evaluate(RUNS)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_a_painted_line_is_noticed(open_figure: Open, network: InferenceSession, touch: bool) -> None:
    figure = start(open_figure, has_touch=touch)
    before = shown(figure)[0]
    assert before < states(PAGE)["detector"]["threshold"]
    paint_line(figure, touch=touch)
    score, inside, outside = same_as_python(figure, network)
    assert score > before + 1
    assert inside > 1.5 * outside
    runs = figure.page.evaluate(RUNS)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(runs)), "two runs at a time"
    assert redraws(figure)
    figure.get_by_role("button", name="undo").click()
    settle(figure)
    assert shown(figure)[0] == pytest.approx(before, abs=1e-3)


def test_keys_paint_too(open_figure: Open, network: InferenceSession) -> None:
    figure = start(open_figure)
    before, easel = shown(figure)[0], figure.get_by_role("application")
    figure.get_by_label("brush width").press("ArrowRight")
    easel.focus()
    easel.press("Shift+ArrowLeft")
    easel.press("Space")
    for _ in range(8):
        easel.press("ArrowDown")
    expect(figure.locator("output.grad-sentence").first).to_have_text(
        "brush 40 % from the left, 66 % from the top, down"
    )
    easel.press("Space")
    expect(figure.locator("output.grad-sentence").first).to_contain_text("lifted")
    easel.press("ArrowRight")
    settle(figure)
    score, inside, outside = same_as_python(figure, network)
    assert score > before + 1
    assert inside > 1.5 * outside
    middle = np.array(painted(figure))[:, 120] != np.array(photographs()[0])[:, 120, None]
    assert 0.14 < middle.any(axis=1).mean() < 0.22  # 16 % of the side and a round end
    figure.get_by_role("button", name="clear").click()
    settle(figure)
    assert shown(figure)[0] == pytest.approx(before, abs=1e-3)


def drawn(width: int, height: int) -> Image.Image:
    """A colourful picture."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 100 * np.sin(x / 9 + y / 15), 255 * x / width, 255 * y / height]
    return Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8))


@pytest.mark.parametrize("size", [(517, 389), (60, 90)])
def test_own_picture_is_judged_as_in_python(
    open_figure: Open, network: InferenceSession, tmp_path: Path, size: tuple[int, int]
) -> None:
    drawn(*size).save(tmp_path / "own.png")
    figure = open_figure(PAGE, "detector")
    figure.get_by_label("your own picture").set_input_files(tmp_path / "own.png")
    expect(figure.locator("p.grad-sentence")).to_have_text("Start the detector to have your own picture judged.")
    figure.get_by_role("button", name="Start the detector").click()
    expect(figure.locator("p.grad-sentence")).to_contain_text("the network", timeout=60_000)
    np.testing.assert_array_equal(np.array(painted(figure)), np.array(drawn(*size)))
    assert shown(figure)[0] == pytest.approx(judged(network, drawn(*size))[0], abs=1e-3)
    paint_line(figure)
    assert shown(figure)[0] == pytest.approx(judged(network, painted(figure))[0], abs=1e-3)
    figure.get_by_role("combobox").select_option("1")
    settle(figure)
    assert shown(figure)[0] == pytest.approx(judged(network, photographs()[1])[0], abs=1e-3)


def test_a_file_that_is_not_an_image_gives_a_sentence(open_figure: Open, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    figure = open_figure(PAGE, "detector")
    expect(figure.locator("p.grad-sentence")).to_contain_text("without strokes")
    before = shown(figure)
    figure.get_by_label("your own picture").set_input_files(tmp_path / "notes.txt")
    expect(figure.locator(".grad-note")).to_have_text(
        "notes.txt is not an image that this browser can read: choose a PNG, JPEG or WebP file."
    )
    assert shown(figure) == before


def test_a_picture_can_be_dropped(open_figure: Open) -> None:
    figure = open_figure(PAGE, "detector")
    file = io.BytesIO()
    drawn(50, 40).save(file, "PNG")
    figure.evaluate(
        """(figure, text) => {
          const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), data = new DataTransfer();
          data.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }));
          const easel = figure.querySelector('.grad-easel');
          easel.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
        }""",
        base64.b64encode(file.getvalue()).decode(),
    )
    expect(figure.get_by_role("combobox")).to_have_value("-1")
    assert painted(figure).size == (50, 40)


def test_without_webassembly_the_results_made_before_remain(browser: Browser, host: str) -> None:
    errors: list[str] = []

    def prepare(tab: Page) -> None:
        tab.add_init_script("delete window.WebAssembly")
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))

    tab = opened(browser, host + PAGE, prepare=prepare)
    figure = figure_on(tab, "detector")
    expect(figure.locator("p.grad-sentence")).to_contain_text("without strokes")
    expect(figure.locator(".grad-note")).to_contain_text("This browser has no WebAssembly")
    expect(figure.get_by_role("button", name="Start the detector")).to_be_hidden()
    figure.get_by_role("combobox").select_option("1")
    assert shown(figure)[0] > 0
    assert errors == []
    tab.context.close()


def test_a_network_that_does_not_come_is_reported(open_figure: Open) -> None:
    figure = open_figure(PAGE, "detector")
    figure.page.route("**/detector.onnx", lambda route: route.abort())
    figure.get_by_role("button", name="Start the detector").click()
    expect(figure.locator(".grad-note")).to_contain_text("The detector could not be started", timeout=60_000)
    assert shown(figure)[1] is None
    figure.page.unroute("**/detector.onnx")
    figure.get_by_role("button", name="Start the detector").click()
    expect(figure.locator("p.grad-sentence")).to_contain_text("the network", timeout=60_000)
