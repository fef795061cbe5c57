"""The built site in a headless Chromium: each page asks no other host, logs no error, draws what it promises and fits
a telephone. Needs `make book`; the part that needs a browser is skipped where there is none."""

import functools
import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, Page, expect

from gradbook.bench.browser import SITE
from gradbook.page import BookRenderer, describe
from living import needs_browser, needs_site, opened
from tabs import Tabs
from visits import PROMISED, TELEPHONE, Visit, make_visit

PAGES = [*sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html")), "search.html"]
CDNS = (
    "cdn.jsdelivr.net",
    "cdnjs.cloudflare.com",
    "unpkg.com",
    "cdn.plot.ly",
    "esm.sh",
    "fonts.googleapis.com",
    "polyfill.io",
)
LARGEST_PAGE = 1.5e6  # bytes

each_page = pytest.mark.parametrize("page", PAGES)


class Elements(HTMLParser):
    """The addresses that a page loads, those that it links to, and the places in it that can be linked to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.places: set[str] = set()
        self.feed((SITE / page).read_text(encoding="utf8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.linked.append(given["href"])
        elif tag != "a":
            self.loaded += [given[name] for name in ("src", "href", "data", "poster") if name in given]


@functools.cache
def elements_of(page: str) -> Elements:
    """Each page is read once: the library's reference links to itself a thousand times."""
    return Elements(page)


@needs_site
@each_page
def test_page_loads_nothing_from_another_host(page: str) -> None:
    addresses = [address for address in elements_of(page).loaded if not address.startswith("data:")]
    assert [address for address in addresses if urlsplit(address).scheme or urlsplit(address).netloc] == []


@needs_site
@each_page
def test_page_names_no_cdn(page: str) -> None:
    content = (SITE / page).read_text(encoding="utf8")
    assert [host for host in CDNS if host in content] == []


@needs_site
@each_page
def test_local_links_lead_somewhere(page: str) -> None:
    elements = elements_of(page)
    for address in elements.linked + elements.loaded:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (SITE / page).parent.joinpath(unquote(parts.path)).resolve() if parts.path else SITE / page
        assert target.is_file(), f"{address} leads nowhere"
        if parts.fragment and target.suffix == ".html":
            places = elements_of(target.relative_to(SITE).as_posix()).places
            assert unquote(parts.fragment) in places, f"{address} names no place of its page"


@needs_site
@each_page
def test_page_is_small(page: str) -> None:
    assert (SITE / page).stat().st_size <= LARGEST_PAGE


@pytest.fixture(scope="module")
def visited(tabs: Tabs) -> Callable[[str], Visit]:
    """One visit to each page, shared by the tests that ask about it."""

    @functools.cache
    def visit(page: str) -> Visit:
        return make_visit(tabs, page)

    return visit


@pytest.mark.browser
@needs_site
@needs_browser
@each_page
class TestEveryPage:
    """Each test asks one thing of the visit that they share."""

    def test_asks_no_other_host(self, page: str, visited: Callable[[str], Visit], host: str) -> None:
        local = (host, "data:", "blob:")
        assert [address for address in visited(page).requests if not address.startswith(local)] == []

    def test_finds_all_that_it_asks_for(self, page: str, visited: Callable[[str], Visit]) -> None:
        assert visited(page).failures == []

    def test_logs_no_error(self, page: str, visited: Callable[[str], Visit]) -> None:
        assert visited(page).errors == []

    @pytest.mark.parametrize("promise", PROMISED)
    def test_keeps_its_promises(self, page: str, visited: Callable[[str], Visit], promise: str) -> None:
        promised, kept = (visited(page).counts[selector] for selector in PROMISED[promise])
        assert kept == promised

    @pytest.mark.parametrize(
        ("promise", "library"),
        [("figures", "plotly.min.js"), ("formulas", "tex-chtml.js"), ("widgets", "embed-amd.js")],
    )
    def test_loads_a_library_only_if_used(
        self, page: str, visited: Callable[[str], Visit], promise: str, library: str
    ) -> None:
        visit = visited(page)
        used = visit.counts[PROMISED[promise][0]] > 0
        assert any(library in address for address in visit.requests) == used

    def test_has_words_for_every_image(self, page: str, visited: Callable[[str], Visit]) -> None:
        assert visited(page).images_without_words == []

    def test_can_be_used_by_everyone(self, page: str, visited: Callable[[str], Visit]) -> None:
        assert visited(page).faults == []
        assert visited(page).off_the_scale == []

    def test_fits_a_telephone(self, page: str, visited: Callable[[str], Visit]) -> None:
        assert visited(page).width <= TELEPHONE["width"] + 1
        assert visited(page).too_wide == []


@needs_site
@each_page
def test_figures_have_words(page: str) -> None:
    content = (SITE / page).read_text(encoding="utf8")
    assert content.count('<figure class="grad-figure"') == len(
        re.findall(r'role="group" aria-label="[^"]{10,}"', content)
    )


@pytest.mark.browser
@needs_site
@needs_browser
def test_front_door_leads_to_the_first_page(browser: Browser, host: str) -> None:
    tab = opened(browser, host)
    tab.wait_for_url(host + "book/index.html")
    tab.context.close()


@pytest.mark.browser
@needs_site
@needs_browser
@pytest.mark.parametrize("wanted", ["knot", "identity shortcut", "gradlib.grids"])
def test_search_finds_pages_without_a_network(browser: Browser, host: str, wanted: str) -> None:
    tab = opened(browser, f"{host}search.html?q={wanted}")
    expect(tab.locator("#search-results li a").first).to_be_visible(timeout=30_000)
    addresses = tab.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert all(address.startswith(host) for address in addresses)
    tab.context.close()


@pytest.mark.browser
@needs_site
@needs_browser
def test_a_printed_chapter_is_text_and_figures_alone(browser: Browser, host: str) -> None:
    tab = opened(browser, host + "book/02_interpolating_a_1d_grid.html")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_function("document.querySelectorAll('.grad-plot:not([data-drawn])').length === 0")
    tab.emulate_media(media="print")
    for left_out in (".bd-header-article", ".bd-sidebar-primary", ".prev-next-footer", ".grad-controls"):
        assert [place for place in tab.locator(left_out).all() if place.is_visible()] == []
    expect(tab.locator(".grad-plot .main-svg").first).to_be_visible()
    code = tab.locator(".bd-article pre").evaluate_all("all => all.map(pre => pre.scrollWidth - pre.clientWidth)")
    assert max(code) <= 1, "a line of code runs off the paper"
    tab.context.close()


@pytest.mark.browser
@needs_site
@needs_browser
def test_slider_of_a_figure_answers_the_arrow_keys_and_the_theme(browser: Browser, host: str) -> None:
    steps = [{"method": "animate", "label": name, "args": [[name], {"mode": "immediate"}]} for name in ("one", "two")]
    frames = [go.Frame(name=name, data=[go.Scatter(y=[value])]) for name, value in (("one", 1), ("two", 2))]
    figure = go.Figure(go.Scatter(y=[1]), frames=frames)
    figure.update_layout(sliders=[{"steps": steps, "currentvalue": {"prefix": "which "}}])
    island = BookRenderer().to_mimebundle(describe(figure, "A point that moves.").to_dict())["text/html"]
    page = f"""<!doctype html><html lang="en" data-content_root="./" data-theme="light"><title>One figure</title>
      <style>body {{ color: rgb(1, 2, 3) }} [data-theme=dark] body {{ color: rgb(250, 251, 252) }}</style>
      <body>{island}<script src="_static/figures.js"></script></body></html>"""

    def answer(tab: Page) -> None:
        tab.route(host + "one.html", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))

    tab = opened(browser, host + "one.html", prepare=answer)
    slider = tab.get_by_label("which")
    slider.press("ArrowRight")
    expect(tab.locator("output")).to_have_text("two")
    tab.wait_for_function("document.querySelector('.grad-plot').data[0].y[0] === 2")
    colour = "document.querySelector('.grad-plot').layout.font.color"
    assert tab.evaluate(colour) == "rgb(1, 2, 3)"
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.wait_for_function(colour + " === 'rgb(250, 251, 252)'")
    tab.context.close()
