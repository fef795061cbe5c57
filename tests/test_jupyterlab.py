"""Living figures in a real JupyterLab: traits reach Python as they move, and Python answers what the page asks."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from gradlib.data.images import squash
from living import drag, needs_browser
from networks import S, small_detector
from tiny_space import tiny_explorer

pytestmark = [pytest.mark.browser, needs_browser]
CELLS = (
    f"""import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from tiny_space import tiny_explorer
from gradbook.living.grid1d import Grid1D
line = Grid1D([0.2, 0.9, 0.4], c=0.125)
line""",
    "space = tiny_explorer(Path.cwd())\nspace",
    "from networks import small_figure\npainted = small_figure(Path.cwd())\npainted",
    'print(f"moved to c = {line.c:.3f}, free = {space.free[0]:.3f} {space.free[1]:.3f}")',
)


def write_notebook(folder: Path) -> None:
    cells = [
        {"cell_type": "code", "id": f"cell{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for n, text in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "figures.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab on this machine over a folder with one notebook; its address. It is shut down in any case."""
    root, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    write_notebook(root)
    settings = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.use_redirect_file=False",
        "--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    places = {name: str(home) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    log = home / "log.txt"
    with log.open("w") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *settings],
            env={**os.environ, **places}, stdout=written, stderr=subprocess.STDOUT,
        )  # fmt: skip
        address = ""
        try:
            for _ in range(900):  # a busy machine takes its time
                found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
                if found or server.poll() is not None:
                    break
                time.sleep(0.1)
            assert found, log.read_text()
            address = found[0]
            yield address
        finally:
            close(server, address)


def close(server: subprocess.Popen, address: str) -> None:
    """End kernels first, by asking; then the server, by force if it must be."""
    if address and server.poll() is None:
        with contextlib.suppress(requests.RequestException):  # one that does not answer is ended all the same
            for kernel in requests.get(f"{address}api/kernels", timeout=5).json():
                requests.delete(f"{address}api/kernels/{kernel['id']}", timeout=10)
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def notebook(lab: str, browser: Browser) -> Iterator[Page]:
    """The notebook, opened, with all of its cells run."""
    tab = browser.new_page(viewport={"width": 1200, "height": 1000})
    tab.goto(f"{lab}lab/tree/figures.ipynb")
    tab.locator(".jp-CodeCell").first.wait_for(timeout=30_000)
    expect(tab.get_by_role("button", name="| Idle")).to_be_visible(timeout=30_000)  # else it asks which kernel to take
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(tab.get_by_text("moved to c = 0.125")).to_be_visible(timeout=120_000)
    yield tab
    tab.close()


def printed(tab: Page) -> str:
    """What the last cell prints when it is run again."""
    cell = tab.locator(".jp-CodeCell").last
    prompt = cell.locator(".jp-InputPrompt")
    before = int((prompt.text_content() or "").strip("[]:"))  # out of view it has no inner text
    cell.locator(".cm-content").click()
    tab.keyboard.press("Control+Enter")
    expect(prompt).to_have_text(f"[{before + 1}]:")
    return cell.locator(".jp-OutputArea-output").inner_text()


def living(tab: Page, name: str) -> Locator:
    figure = tab.locator(f'[data-living="{name}"]')
    figure.scroll_into_view_if_needed()
    return figure


def test_a_moved_point_is_python_s_too(notebook: Page) -> None:
    figure = living(notebook, "grid1d")
    point = figure.get_by_role("slider", name="coordinate c")
    for _ in range(3):
        point.press("ArrowLeft")
    expect(figure.locator(".grad-sentence")).to_contain_text("c = 0.0")
    assert "c = 0.065" in printed(notebook)


def test_python_answers_with_the_picture(notebook: Page, tmp_path: Path) -> None:
    figure = living(notebook, "explorer")
    status, point = figure.locator(".grad-status"), figure.get_by_role("slider", name="free point")
    expect(status).to_contain_text("computed beforehand")
    for key in ("Shift+ArrowRight", "ArrowUp"):
        point.press(key)
    expect(status).to_contain_text("computed by Python", timeout=10_000)
    free = [float(number) for number in re.findall(r"-?\d\.\d{3}", printed(notebook))[-2:]]
    same = tiny_explorer(tmp_path)
    assert free == pytest.approx([same.free[0] + 0.2, same.free[1] + 0.02], abs=6e-4)
    wanted = same.picture_at(same.selected, [same.free[0] + 0.2, same.free[1] + 0.02])  # (3, 8H, 8W)
    canvas = figure.get_by_role("img", name="picture of the normal feature")
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    shown = np.array(canvas.evaluate(read)).reshape(*wanted.shape[1:], 4)[:, :, :3]
    np.testing.assert_allclose(shown, 255 * wanted.permute(1, 2, 0), atol=0.51)


def test_python_judges_what_is_painted(notebook: Page) -> None:
    figure = living(notebook, "detector")
    told = figure.locator("p.grad-sentence")
    expect(told).to_contain_text("the network", timeout=10_000)
    before = told.inner_text()
    drag(figure.locator(".grad-easel"), 60, 40)
    expect(told).not_to_have_text(before, timeout=10_000)
    expect(told).to_have_attribute("aria-busy", "false", timeout=10_000)
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    pixels = np.array(figure.locator(".grad-easel canvas").evaluate(read), np.uint8).reshape(20, 30, 4)[..., :3]
    assert len(np.unique(pixels)) == 2
    score = small_detector().answer(torch.from_numpy(squash(Image.fromarray(pixels.copy()), S))).score.item()
    assert f"Score {score:.3f}," in told.inner_text()


def test_native_sliders_keep_their_keys(notebook: Page) -> None:
    slider = living(notebook, "explorer").locator('input[type="range"]').first
    before = int(slider.input_value())
    slider.press("ArrowLeft")
    assert int(slider.input_value()) == before - 1  # JupyterLab would have gone to another cell
