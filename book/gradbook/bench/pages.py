"""How quickly each page of the built site appears on this machine, and how many bytes it loads.

    python -m gradbook.bench.pages                   after `make book`

Each page is opened VISITS times in a fresh browser profile. The table gives the milliseconds until the first contentful
paint (median and largest), the page's own size, and all bytes that it loads until it has been scrolled to its end.
"""

from statistics import median

from playwright.sync_api import Browser, sync_playwright

from gradbook.bench.browser import SITE, launch, served

VISITS = 3
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LOADED = "performance.getEntriesByType('resource').reduce((sum, r) => sum + r.encodedBodySize, 0)"
DOWN = "window.scrollBy({top: innerHeight, behavior: 'instant'})"
AT_END = "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"


def visit(browser: Browser, address: str) -> tuple[float, int]:
    """Milliseconds to the first contentful paint, and the bytes of everything that the page loads."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(address, wait_until="load")
    tab.wait_for_function(f"{PAINTED} !== undefined")
    paint = tab.evaluate(PAINTED)
    while not tab.evaluate(AT_END):
        tab.evaluate(DOWN)
        tab.wait_for_timeout(50)
    tab.wait_for_timeout(500)
    loaded = tab.evaluate(LOADED)
    context.close()
    return paint, loaded


def main() -> None:
    """Print the table."""
    print(f"{'page':38}{'paint, ms':>10}{'largest':>9}{'page, kB':>10}{'all, kB':>9}")
    with served(SITE) as host, sync_playwright() as playwright:
        browser = launch(playwright)
        for page in sorted((SITE / "book").glob("*.html")):
            paints, loaded = zip(*(visit(browser, f"{host}book/{page.name}") for _ in range(VISITS)), strict=True)
            size = page.stat().st_size
            kilobytes = f"{size / 1e3:10.0f}{(size + max(loaded)) / 1e3:9.0f}"
            print(f"{page.stem:38}{median(paints):10.0f}{max(paints):9.0f}{kilobytes}")
        browser.close()


if __name__ == "__main__":
    main()
