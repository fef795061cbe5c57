"""Living figures in a browser: on the pages of the built site, or alone in a page without a book around it."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from ipywidgets import Widget
from ipywidgets.embed import embed_data
from playwright.sync_api import Browser, Locator, Page, Request, TimeoutError

from gradbook.bench.browser import CHROMIUM, SITE
from gradbook.paths import generated_folder, repository

VENDORED = repository() / "book" / "_vendor" / "vendor"
GENERATED = generated_folder()
DESKTOP = {"width": 1280, "height": 900}
needs_site = pytest.mark.skipif(not SITE.is_dir(), reason=f"no built site in {SITE}: run `make book`")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
STATE = re.compile(r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', re.DOTALL)
PAGE = """<!doctype html><html lang="en" data-content_root="./" data-theme="light"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>One figure</title>
<script src="_static/vendor/require.js"></script><script src="_static/vendor/require-config.js"></script>
<script src="_static/vendor/html-manager/embed-amd.js"></script>
<script type="application/vnd.jupyter.widget-state+json">{state}</script>
<main><h1>One figure</h1><script type="application/vnd.jupyter.widget-view+json">{view}</script></main></html>"""


def opened(
    browser: Browser,
    address: str,
    *,
    prepare: Callable[[Page], None] = lambda tab: None,
    until: Literal["domcontentloaded", "load"] = "domcontentloaded",
    **options: Any,
) -> Page:
    """A page in a context of its own, `prepare`d before it loads; close it by `tab.context.close()`."""
    tab = browser.new_context(**{"viewport": DESKTOP, **options}).new_page()
    prepare(tab)
    load(tab, address, until=until)
    return tab


def load(
    tab: Page, address: str, *, until: Literal["domcontentloaded", "load"] = "domcontentloaded", seconds: float = 60
) -> None:
    """Load an address in a tab; where it does not load, the failure names what was still on its way."""
    coming: set[str] = set()

    def begins(request: Request) -> None:
        coming.add(request.url)

    def ends(request: Request) -> None:
        coming.discard(request.url)

    listeners = {"request": begins, "requestfinished": ends, "requestfailed": ends}
    for event, listener in listeners.items():
        tab.on(event, listener)
    try:
        tab.goto(address, wait_until=until, timeout=1000 * seconds)
    except TimeoutError:
        pytest.fail(f"{address} did not load in {seconds} s; still on their way: {sorted(coming) or 'nothing'}")
    finally:
        for event, listener in listeners.items():
            tab.remove_listener(event, listener)


def figure_on(tab: Page, name: str) -> Locator:
    """A living figure of a loaded page, scrolled into view."""
    figure = tab.locator(f'[data-living="{name}"]')
    figure.scroll_into_view_if_needed(timeout=30_000)
    return figure


def write_page(folder: Path, widget: Widget, name: str = "figure.html") -> Path:
    """A page with one widget and no kernel, beside links to the vendored scripts and the generated files."""
    static = folder / "_static"
    static.mkdir(parents=True, exist_ok=True)
    for link, target in (("vendor", VENDORED), ("generated", GENERATED)):
        if not (static / link).is_symlink():
            (static / link).symlink_to(target)
    data = embed_data(views=[widget], drop_defaults=False)
    texts = [json.dumps(part).replace("<", "\\u003c") for part in (data["manager_state"], data["view_specs"][0])]
    page = folder / name
    page.write_text(PAGE.format(state=texts[0], view=texts[1]), encoding="utf-8")
    return page


def states(page: str) -> dict[str, dict[str, Any]]:
    """The traits of each living figure on a page of the site, by the figure's name; bytes as bytes."""
    found = {}
    for text in STATE.findall((SITE / page).read_text(encoding="utf-8")):
        for model in json.loads(text)["state"].values():
            traits = dict(model["state"])
            for buffer in model.get("buffers", ()):
                (name,) = buffer["path"]
                traits[name] = base64.b64decode(buffer["data"])
            if name := re.search(r'begin\(el, model, "(\w+)"\)', traits.get("_esm", "")):
                found[name[1]] = traits
    return found


def drag(handle: Locator, across: float, down: float, *, touch: bool = False, steps: int = 8) -> None:
    """Drag from the middle of an element by so many pixels, by mouse or by a finger."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    tab, x, y = handle.page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if not touch:
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x + across, y + down, steps=steps)
        tab.mouse.up()
        return
    finger = tab.context.new_cdp_session(tab)  # Playwright's own touchscreen only taps
    for step in range(steps + 1):
        spot = {"x": x + across * step / steps, "y": y + down * step / steps}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": [spot]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finger.detach()
    tab.wait_for_timeout(700)  # a tap at once would count as part of the same gesture
