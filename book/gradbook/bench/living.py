"""How quickly the living figures answer on this machine, on the built site in a headless Chromium.

    python -m gradbook.bench.living                   after `make book`

Each figure is moved by keys, REPEATS times for each of its sliders, points, lists and switches; the table gives the
milliseconds of its redraws (median and largest) and the size of its page. The detector is started too, and its
network's milliseconds are told.
Ends with status 1 where a figure's median is above FRAME or the network's above SOON.
"""

import sys
from statistics import median

from playwright.sync_api import Locator, sync_playwright

from gradbook.bench.browser import SITE, launch, redraws, served

REPEATS = 20
FRAME, SOON = 16, 5000  # milliseconds: what a drag may take to be drawn, and a photograph to be judged
RUNS = "performance.getEntriesByName('grad-network').map(run => run.duration)"


def figures() -> list[tuple[str, str]]:
    """(page, name of the figure) for all living figures of the site."""
    found = []
    for page in sorted((SITE / "book").glob("*.html")):
        text = page.read_text(encoding="utf-8")
        found += [(page.name, part.split('\\"')[0]) for part in text.split('begin(el, model, \\"')[1:]]
    return found


def drive(figure: Locator) -> None:
    """Each point, slider and list there and back by the arrow keys, each switch on and off by the space bar."""
    for control in figure.locator('[role="slider"], input[type="range"], [role="application"], select').all():
        if control.is_visible():
            for step in range(REPEATS):
                control.press("ArrowRight" if step < REPEATS / 2 else "ArrowLeft")
    for switch in figure.locator('input[type="checkbox"]').all():
        for _ in range(REPEATS):
            switch.press("Space")


def main() -> int:
    """Print the table; returns the exit status."""
    late = []
    print(f"{'figure':12}{'redraws':>9}{'median, ms':>12}{'largest, ms':>13}{'page, kB':>10}")
    with served(SITE) as host, sync_playwright() as playwright:
        browser = launch(playwright)
        for page, name in figures():
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(f"{host}book/{page}")
            figure = tab.locator(f'[data-living="{name}"]')
            figure.scroll_into_view_if_needed(timeout=30_000)
            drive(figure)
            times, size = redraws(figure), (SITE / "book" / page).stat().st_size
            print(f"{name:12}{len(times):9}{median(times):12.1f}{max(times):13.1f}{size / 1e3:10.0f}")
            late += [name] * (median(times) > FRAME)
            if name == "detector":
                figure.get_by_role("button", name="Start the detector").click()
                tab.wait_for_function(f"{RUNS}.length > 0", timeout=60_000)
                for photograph in range(5):
                    figure.get_by_role("combobox").select_option(str(photograph))
                    tab.wait_for_timeout(1000)
                runs = tab.evaluate(RUNS)
                print(f"the network: {len(runs)} runs, median {median(runs):.0f} ms, largest {max(runs):.0f} ms")
                late += ["the network"] * (median(runs) > SOON)
            tab.close()
        browser.close()
    print(f"too slow: {', '.join(late) or 'none'}")
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
