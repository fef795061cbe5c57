"""What several test files share: fixed seeds, real images where they are at hand, and a tiny tree of drawn ones."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, sync_playwright

from gradbook.bench.browser import SITE, launch, served
from gradbook.paths import repository
from living import figure_on, load
from tabs import Tabs


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (libraries under test draw from the global state)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def mvtec_root() -> Path:
    """Real classes of MVTec AD (bottle, transistor) beside the checkout, or a skip."""
    root = repository().parent / "shared" / "data" / "mvtec"
    if not root.is_dir():
        pytest.skip(f"no MVTec AD images at {root}")
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches nothing but this machine; for a module, as others need the event loop."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def host() -> Iterator[str]:
    """The built site as a website; its address."""
    with served(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def tabs(browser: Browser, host: str) -> Tabs:
    """The tabs of the module's browser."""
    return Tabs(browser, host)


@pytest.fixture
def open_figure(tabs: Tabs) -> Iterator[Callable[..., Locator]]:
    """A function (page, name of a living figure, viewport and has_touch of the tab) -> the figure, in view."""
    with ExitStack() as lent:

        def open_one(page: str, name: str, **options: Any) -> Locator:
            tab = lent.enter_context(tabs.lend(**options))
            load(tab, tabs.host + page)
            return figure_on(tab, name)

        yield open_one


@pytest.fixture
def tiny_mvtec(tmp_path: Path) -> Path:
    """An MVTec-like tree of 32 x 32 noise: classes gear and nut, each 4 training, 2 good and 2 "crack" images."""
    return write_tiny_mvtec(tmp_path / "tiny")


def write_tiny_mvtec(root: Path, categories: tuple[str, ...] = ("gear", "nut"), size: int = 32) -> Path:
    """Write the tree of `tiny_mvtec`; a crack is a bright square of a quarter of the side, which the mask marks."""
    draw = np.random.default_rng(0)
    quarter = slice(size // 4, size // 2)
    for category in categories:
        for folder, count in (("train/good", 4), ("test/good", 2), ("test/crack", 2)):
            for index in range(count):
                pixels = draw.integers(0, 128, (size, size, 3), dtype=np.uint8)
                mask = np.zeros((size, size), np.uint8)
                if folder.endswith("crack"):
                    pixels[quarter, quarter], mask[quarter, quarter] = 255, 255
                    save(mask, root / category / "ground_truth" / "crack" / f"{index:03d}_mask.png")
                save(pixels, root / category / folder / f"{index:03d}.png")
    return root


def save(pixels: np.ndarray, path: Path) -> Path:
    """Write an array as an image, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
