"""A tab that is lent again is as good as new, whatever the test before did in it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gradbook.bench.browser import served
from living import DESKTOP, load, needs_browser
from tabs import EMPTY, Tabs

pytestmark = [pytest.mark.browser, needs_browser]
REMEMBERED = """() => ({
  storage: [localStorage.length, sessionStorage.length, document.cookie, history.state], variable: window.left,
  scrolled: scrollY, under_the_mouse: document.querySelectorAll(':hover').length, text: document.body.innerText,
})"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with one tall page."""
    (tmp_path / EMPTY).parent.mkdir()
    (tmp_path / EMPTY).write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "page.html").write_text('<!doctype html><title>Tall</title><p style="height: 3000px">As written.</p>')
    return tmp_path


def test_a_tab_forgets_the_test_before(browser: Browser, site: Path) -> None:
    with served(site) as host:
        tabs, page = Tabs(browser, host), host + "page.html"
        with tabs.lend() as new:
            load(new, page)
            fresh = new.evaluate(REMEMBERED)
        with tabs.lend(viewport={"width": 390, "height": 844}) as used:
            load(used, page)
            used.evaluate("localStorage.a = sessionStorage.a = 1; document.cookie = 'a=1'; history.replaceState(1, '')")
            used.evaluate("window.left = 1; scrollTo(0, 500)")
            used.mouse.move(100, 100)
            used.mouse.down()
            used.route("**/page.html", lambda route: route.fulfill(body="routed"))
            assert used.evaluate(REMEMBERED) != fresh
        with tabs.lend() as again:
            load(again, page)
            assert again is used is new
            assert again.evaluate(REMEMBERED) == fresh
            assert again.viewport_size == DESKTOP
            again.evaluate("addEventListener('mousemove', ({ buttons }) => { window.pressed = buttons; })")
            again.mouse.move(200, 200)
            assert again.evaluate("window.pressed") == 0


def test_a_tab_is_lent_once_at_a_time_and_touch_screens_apart(browser: Browser, site: Path) -> None:
    with served(site) as host:
        tabs = Tabs(browser, host)
        with tabs.lend() as one, tabs.lend() as other, tabs.lend(has_touch=True) as touched:
            assert len({one, other, touched}) == 3
            points = [tab.evaluate("navigator.maxTouchPoints") for tab in (one, other, touched)]
            assert (points[:2], points[2] > 0) == ([0, 0], True)
        assert (len(tabs.waiting[False]), tabs.waiting[True]) == (2, [touched])


def test_a_tab_that_cannot_be_emptied_is_not_lent_again(browser: Browser, site: Path) -> None:
    with served(site) as host:
        tabs = Tabs(browser, host)
        with pytest.raises(Exception, match="has been closed"), tabs.lend() as tab:
            tab.close()
        with tabs.lend() as another:
            load(another, host + "page.html")
            assert another is not tab
        assert tab.context not in browser.contexts
