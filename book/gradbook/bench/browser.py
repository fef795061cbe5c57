"""The built site in a headless Chromium: where it lies, a server for it, and a browser that reaches nothing else."""

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
    """A Chromium that can reach nothing but this machine."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder as a website on this machine; its address with a slash at the end.

    The server is a process of its own: in this one, whose threads coverage traces, now and then a thread fails as it
    begins, and the browser waits for ever for what that thread was to send.
    """
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"port (\d+)", server.stdout.readline())
            assert found, "the server did not start"
            yield f"http://127.0.0.1:{found[1]}/"
        finally:
            server.terminate()


def redraws(figure: Locator) -> list[float]:
    """Milliseconds that each drawing of the page's figures has taken so far."""
    return figure.page.evaluate("performance.getEntriesByName('grad-redraw').map(entry => entry.duration)")
