"""A local server of one small archive, in every manner that a server can fail, for the tests of the downloader."""

import hashlib
import io
import random
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gradlib.data import archives, download
from gradlib.data.archives import Archive
from gradlib.data.download import fetch

# seconds; one without a byte, as a busy machine is no stalled server
QUICK = {"TIMEOUT": (2.0, 1.0), "ATTEMPTS": 3, "PAUSE": 0.01, "CHUNK": 1024}
INSIDE = "bottle/train/good/000.png"


def tar_of(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """A tar.xz in memory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


CONTENT = random.Random(0).randbytes(12_000)  # does not compress
GOOD = tar_of((INSIDE, CONTENT), ("license.txt", b"CC"))
HALF = 6 * 1024  # where transfers break off: a multiple of the chunk that the tests set


class Handler(BaseHTTPRequestHandler):
    """Serves GOOD in the manner that the first part of the path names."""

    server: "Server"

    def do_GET(self) -> None:
        manner = self.path.split("/")[1]
        requested = self.headers.get("Range")
        self.server.log.append((manner, requested))
        start = int(requested.removeprefix("bytes=").removesuffix("-")) if requested else 0
        getattr(self, f"_{manner}")(start)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _send(self, content: bytes, start: int = 0, stop: int | None = None, **headers: str) -> None:
        """Announce content[start:] and send it up to `stop`."""
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content[start:stop])
        self.wfile.flush()

    def _ranges(self, start: int) -> None:
        if start >= len(GOOD):
            return self.send_error(416)
        self._send(GOOD, start)

    def _from_start(self, start: int) -> None:
        self._send(GOOD)

    def _breaks(self, start: int) -> None:  # after the first half, then honours ranges
        self._send(GOOD, start, None if start else HALF)

    def _always_breaks(self, start: int) -> None:
        self._send(GOOD, 0, HALF)

    def _stalls(self, start: int) -> None:  # after the first half, then honours ranges
        self._breaks(start)
        if not start and not self.server.released.wait(5):
            self.server.log.append(("the client did not give up", None))

    def _dead(self, start: int) -> None:
        self.send_error(404)

    def _busy(self, start: int) -> None:
        self.send_error(503)

    def _page(self, start: int) -> None:
        self._send(b"<html>this share has expired</html>", Content_Type="text/html; charset=utf-8")

    def _wrong(self, start: int) -> None:
        self._send(b"another file" * 500)

    def _other_range(self, start: int) -> None:
        self._send(GOOD, 1)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    log: list[tuple[str, str | None]]
    released: threading.Event


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in QUICK.items():
        monkeypatch.setattr(download, name, value)
    with Server(("127.0.0.1", 0), Handler) as local:
        local.log, local.released = [], threading.Event()
        thread = threading.Thread(target=local.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield local
        local.released.set()
        local.shutdown()
        thread.join()


@pytest.fixture
def archive_at(server: Server) -> Callable[..., Archive]:
    """An archive like MVTec AD's whose addresses are the given manners of the local server."""

    def make(*manners: str, content: bytes = GOOD) -> Archive:
        port = server.server_address[1]
        return replace(
            archives.MVTEC,
            urls=tuple(f"http://127.0.0.1:{port}/{manner}/data.tar.xz" for manner in manners),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            unpacked=10_000,
        )

    return make


def get(archive: Archive, folder: Path) -> Path:
    return fetch(archive, folder, accept_licence=True)


def assert_complete(target: Path, folder: Path) -> None:
    assert target == folder / "mvtec"
    assert (target / INSIDE).read_bytes() == CONTENT
    assert (folder / archives.MVTEC.file_name).read_bytes() == GOOD
    left = {path.name for path in folder.iterdir()} - {"mvtec", archives.MVTEC.file_name, ".mvtec.lock"}
    assert left == set()


def part_in(folder: Path, content: bytes) -> None:
    (folder / f"{archives.MVTEC.file_name}.part").write_bytes(content)
