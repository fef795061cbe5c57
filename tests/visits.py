"""One visit to a page in a browser: opened at desktop width, scrolled to its end, then narrowed to a telephone."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Page, TimeoutError

from gradbook.paths import repository
from living import load
from tabs import Tabs

AXE = repository() / "node_modules" / "axe-core" / "axe.min.js"
# What axe-core calls serious or critical under WCAG 2 A and AA, one line each.
FAULTS = """async () => {
  const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations'] });
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`));
}"""
TELEPHONE = {"width": 390, "height": 844}
# What must become something else: figures drawn, formulas typeset, widgets put in place.
PROMISED = {
    "figures": (".grad-figure", ".grad-plot[data-drawn] .main-svg:first-child"),
    "formulas": (
        "span.math, div.math",
        ':is(span.math, div.math):has(mjx-container):not(:has(mjx-merror, [style*="color: red"]))',
    ),
    "widgets": ('script[type="application/vnd.jupyter.widget-view+json"]', ".widget-subarea > .lm-Widget"),
}
COUNTS = "selectors => Object.fromEntries(selectors.map(s => [s, document.querySelectorAll(s).length]))"
KEPT = "pairs => pairs.every(([a, b]) => document.querySelectorAll(a).length <= document.querySelectorAll(b).length)"
# A screen at a time, each long enough for the observers of what comes into view.
TO_THE_END = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  do {
    scrollBy({ top: innerHeight, behavior: 'instant' });
    await frame();
    await frame();
  } while (scrollY + innerHeight < document.documentElement.scrollHeight - 2);
}"""
IMAGES_WITHOUT_WORDS = r"""[...document.images]
  .filter(image => !image.alt.trim() || /\.(png|svg|jpe?g)$/.test(image.alt))
  .map(image => image.getAttribute('src'))"""
# Whatever ends beyond the page's right edge, unless something around it scrolls.
TOO_WIDE = """[...document.querySelectorAll('.bd-article *, .prev-next-footer *')].filter(element => {
    if (element.ownerSVGElement || element.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let around = element; around !== document.body; around = around.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(around).overflowX) || around.tagName === 'MJX-ASSISTIVE-MML')
        return false;
    return true;
  }).map(element => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`)"""


# A figure's own handles whose number does not lie between the ends that they name.
OFF_THE_SCALE = """[...document.querySelectorAll('.grad-handle')].filter(handle => {
    const [low, now, high] = ['min', 'now', 'max'].map(end => Number(handle.getAttribute(`aria-value${end}`) || NaN));
    return !(low <= now && now <= high);
  }).map(handle => handle.getAttribute('aria-label'))"""


@dataclass
class Visit:
    """What a visit showed; `counts` by CSS selector, `too_wide` the elements that end beyond a telephone's edge."""

    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    images_without_words: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    off_the_scale: list[str] = field(default_factory=list)
    width: int = 0


@contextlib.contextmanager
def heard(tab: Page) -> Iterator[Visit]:
    """A visit: what the page asks for and complains about within a `with` block."""
    visit = Visit()
    listeners = {
        "request": lambda request: visit.requests.append(request.url),
        "requestfailed": lambda request: visit.failures.append(request.url),
        "response": lambda answer: visit.failures.append(answer.url) if answer.status >= 400 else None,
        "console": lambda message: visit.errors.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: visit.errors.append(str(error)),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    yield visit
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)


def make_visit(tabs: Tabs, page: str) -> Visit:
    """Open a page and look at all of it; waiting ends when each promise is kept, or after 20 seconds."""
    with tabs.lend() as tab, heard(tab) as visit:
        load(tab, tabs.host + page, until="load")
        tab.evaluate(TO_THE_END)
        with contextlib.suppress(TimeoutError):  # the counts say which promise was not kept
            tab.wait_for_function(KEPT, arg=list(PROMISED.values()), timeout=20_000)
        visit.counts = tab.evaluate(COUNTS, [selector for pair in PROMISED.values() for selector in pair])
        visit.images_without_words = tab.evaluate(IMAGES_WITHOUT_WORDS)
        tab.add_script_tag(path=AXE)
        visit.faults = tab.evaluate(FAULTS)
        visit.off_the_scale = tab.evaluate(OFF_THE_SCALE)
        tab.set_viewport_size(TELEPHONE)
        tab.wait_for_function("width => innerWidth === width", arg=TELEPHONE["width"])  # a long page takes its time
        tab.wait_for_timeout(500)  # figures follow the width
        visit.width = tab.evaluate("document.scrollingElement.scrollWidth")
        visit.too_wide = tab.evaluate(TOO_WIDE)
    return visit
