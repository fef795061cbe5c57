"""Tabs of one browser that tests use one after the other.

A tab that has shown a page of the book before shows another in a third of a new tab's time: its process is there, and
holds the compiled scripts. A document is never shared: each test loads its own, in a tab that remembers nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize

from living import DESKTOP, load

EMPTY = "_static/favicon.svg"  # of the site, so that its storage can be emptied there; it has no script


class Tabs:
    """The tabs of a browser that wait for their next test, those with a touch screen apart."""

    def __init__(self, browser: Browser, host: str) -> None:
        self.browser = browser
        self.host = host
        self.waiting: dict[bool, list[Page]] = {False: [], True: []}

    @contextmanager
    def lend(self, *, viewport: ViewportSize = DESKTOP, has_touch: bool = False) -> Iterator[Page]:
        """A tab as good as new for a `with` block; one that cannot be emptied afterwards is closed."""
        waiting = self.waiting[has_touch]
        tab = waiting.pop() if waiting else self.browser.new_context(has_touch=has_touch).new_page()
        tab.set_viewport_size(viewport)
        yield tab
        try:
            self.empty(tab)
        except BaseException:
            tab.context.close()
            raise
        waiting.append(tab)

    def empty(self, tab: Page) -> None:
        """Leave the page, and forget what it stored, its routes, and a pressed mouse button."""
        tab.unroute_all()
        load(tab, self.host + EMPTY, seconds=20)
        tab.evaluate("localStorage.clear(); sessionStorage.clear()")
        tab.context.clear_cookies()
        tab.mouse.up()
