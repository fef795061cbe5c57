"""The built site in a headless Chromium: its folder, a server for it, and a browser that reaches nothing else."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Playwright

from gradbook.paths import repository

SITE = Path(os.environ.get("GRAD_SITE") or repository() / "_build" / "html")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


def launch(playwright: Playwright) -> Browser:
    """A headless Chromium that can reach this machine alone."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; yields the address, which ends with a slash.

    The server is a process of its own. In this one, where coverage traces threads, a server thread sometimes fails at
    its start, and the browser then waits for its answer for ever.
    """
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            port = re.search(r"port (\d+)", server.stdout.readline())
            assert port, "the server did not start"
            yield f"http://127.0.0.1:{port[1]}/"
        finally:
            server.terminate()


def redraws(figure: Locator) -> list[float]:
    """Milliseconds of each redraw of the page's figures so far."""
    return figure.page.evaluate("performance.getEntriesByName('grad-redraw').map(entry => entry.duration)")
