"""How quickly the living figures respond on this machine, on the built site in a headless Chromium.

    python -m gradbook.bench.living                   after `make book`

Keys move each slider, point, list and switch of a figure REPEATS times; the table gives the milliseconds of its redraws
(median and largest) and the size of its page. The detector is started as well, and the milliseconds of its network are
printed. Ends with status 1 where the median of a figure exceeds FRAME, or that of the network NETWORK_LIMIT.
"""

import sys
from statistics import median

from playwright.sync_api import Locator, Page, sync_playwright

from gradbook.bench.browser import SITE, launch, redraws, served

REPEATS = 20
PHOTOGRAPHS = 5  # judged by the detector
FRAME, NETWORK_LIMIT = 16, 5000  # milliseconds: a redraw while dragging, and the judgement of a photograph
RUNS = "performance.getEntriesByName('grad-network').map(run => run.duration)"


def living_figures() -> list[tuple[str, str]]:
    """(page, name of the figure) of every living figure of the site."""
    figures = []
    for page in sorted((SITE / "book").glob("*.html")):
        text = page.read_text(encoding="utf-8")
        figures += [(page.name, part.split('\\"')[0]) for part in text.split('begin(el, model, \\"')[1:]]
    return figures


def drive(figure: Locator) -> None:
    """Move each point, slider and list back and forth by the arrow keys, and press each switch by the space bar."""
    for control in figure.locator('[role="slider"], input[type="range"], [role="application"], select').all():
        if control.is_visible():
            for step in range(REPEATS):
                control.press("ArrowRight" if step < REPEATS / 2 else "ArrowLeft")
    for switch in figure.locator('input[type="checkbox"]').all():
        for _ in range(REPEATS):
            switch.press("Space")


def network_runs(tab: Page, figure: Locator) -> list[float]:
    """Milliseconds of each run of the detector's network, after starting it and selecting some photographs."""
    figure.get_by_role("button", name="Start the detector").click()
    tab.wait_for_function(f"{RUNS}.length > 0", timeout=60_000)
    for photograph in range(PHOTOGRAPHS):
        figure.get_by_role("combobox").select_option(str(photograph))
        tab.wait_for_timeout(1000)
    return tab.evaluate(RUNS)


def main() -> int:
    """Print the table; returns the exit status."""
    too_slow = []
    print(f"{'figure':12}{'redraws':>9}{'median, ms':>12}{'largest, ms':>13}{'page, kB':>10}")
    with served(SITE) as host, sync_playwright() as playwright:
        browser = launch(playwright)
        for page, name in living_figures():
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(f"{host}book/{page}")
            figure = tab.locator(f'[data-living="{name}"]')
            figure.scroll_into_view_if_needed(timeout=30_000)
            drive(figure)
            times, size = redraws(figure), (SITE / "book" / page).stat().st_size
            print(f"{name:12}{len(times):9}{median(times):12.1f}{max(times):13.1f}{size / 1e3:10.0f}")
            too_slow += [name] * (median(times) > FRAME)
            if name == "detector":
                runs = network_runs(tab, figure)
                print(f"the network: {len(runs)} runs, median {median(runs):.0f} ms, largest {max(runs):.0f} ms")
                too_slow += ["the network"] * (median(runs) > NETWORK_LIMIT)
            tab.close()
        browser.close()
    print(f"too slow: {', '.join(too_slow) or 'none'}")
    return int(bool(too_slow))


if __name__ == "__main__":
    sys.exit(main())
