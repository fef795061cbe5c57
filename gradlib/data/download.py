"""Fetch MVTec AD or VisA: `python -m gradlib.data.download mvtec --to DIR --accept-licence`.

Nothing is unpacked before its sha256 is right, an interrupted download goes on where it stopped, and a copy that was
fetched by hand is checked and unpacked by the same command.
"""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock
import requests
from tqdm import tqdm

from gradlib.data.archives import MVTEC, VISA, Archive, unpack, unpacked_before
from gradlib.errors import InputError
from gradlib.files import put, sha256_of

CHUNK = 1 << 16  # bytes; what a broken transfer loses of the last one is fetched again
LONGEST_PAUSE = 60.0  # seconds
HOPELESS = frozenset({400, 401, 403, 404, 405, 410, 451})  # HTTP answers that waiting does not change


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to ask again."""

    connect: float = 15.0  # seconds
    read: float = 60.0  # seconds without a byte, after which a server is taken to have stalled
    attempts: int = 4  # in a row and without progress, for each address
    pause: float = 2.0  # seconds before the second attempt, doubled each time


class _Interrupted(Exception):
    """The transfer broke off; it may go on."""


class _DeadAddress(Exception):
    """This address cannot give the archive."""


def fetch(archive: Archive, folder: Path, *, accept_licence: bool = False, patience: Patience | None = None) -> Path:
    """Fetch, check and unpack an archive to `<folder>/<archive.name>`, which is returned (at once if it is there).

    An archive already in the folder is checked and used; the archive stays. Raises InputError without
    `accept_licence`, and for a disk that is or gets full, a hostile archive, or when no address gives the right file.
    """
    if not accept_licence:
        raise InputError(
            f"{archive.title} is licensed under {archive.licence}: read {archive.page} and, if you agree, "
            "repeat with --accept-licence (accept_licence=True)."
        )
    folder = folder.expanduser().resolve()
    target, file = folder / archive.name, folder / archive.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{archive.name}.lock", timeout=0):
            if not unpacked_before(archive, target):
                _obtain(archive, file, patience or Patience())
                _need_space(folder, archive.unpacked, f"unpack {archive.title}")
                unpack(file, archive, target)
    except filelock.Timeout as error:
        raise InputError(f"Another process is fetching {archive.title} to {folder}: wait for it to end.") from error
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}): choose another folder.") from error
    return target


def _obtain(archive: Archive, file: Path, patience: Patience) -> None:
    """Make sure that the right archive lies at `file`."""
    part = file.with_name(file.name + ".part")
    if file.exists():
        if _is_right(file, archive):
            return
        aside = file.with_name(file.name + ".wrong")
        file.replace(aside)
        _say(f"{file} has the wrong sha256 (an unfinished or other file): set aside as {aside.name}, fetching anew.")
    if not (_size(part) >= archive.size and _is_right(part, archive)):  # whole, but killed before it was renamed
        _need_space(file.parent, archive.size - _size(part) + archive.unpacked, f"fetch {archive.title}")
        _download(archive, part, patience)
    put(part, file)


def _download(archive: Archive, part: Path, patience: Patience) -> None:
    """Try the addresses in turn until `part` is the right archive; raises InputError with a manual instruction."""
    reasons = []
    for url in archive.urls:
        try:
            return _from_address(url, archive, part, patience)
        except _DeadAddress as error:
            reasons.append(f"{url}: {error}")
            _say(f"{url} failed: {error}.")
    raise InputError(
        f"No address gave {archive.title} ({'; '.join(reasons)}): get {archive.file_name} by hand from {archive.page} "
        f"(unofficial copies, unverified: {archive.mirrors}; sha256 {archive.sha256}), put it at "
        f"{part.with_name(archive.file_name)} and run this command again, which checks and unpacks it."
    )


def _from_address(url: str, archive: Archive, part: Path, patience: Patience) -> None:
    """Fetch one address, going on after interruptions as long as they come with progress or are few."""
    failures, longest = 0, _size(part)
    while True:
        resumed = part.exists()
        try:
            _transfer(url, part, patience)
            if _is_right(part, archive):
                return
            part.unlink()
            if not resumed:
                raise _DeadAddress("it gave a file with the wrong sha256, which was removed")
            # the beginning may have come from another address, so the file is fetched whole before this one is blamed
            reason = "the continued file has the wrong sha256, starting again"
        except _Interrupted as error:
            reason = str(error)
        failures = 1 if _size(part) > longest else failures + 1
        longest = max(longest, _size(part))
        if failures >= patience.attempts:
            raise _DeadAddress(f"{reason} ({failures} attempts)")
        _say(f"{reason}; trying again.")
        time.sleep(min(patience.pause * 2 ** (failures - 1), LONGEST_PAUSE))


def _transfer(url: str, part: Path, patience: Patience) -> None:
    """One request: append to `part` what it still lacks, or start again where the server cannot continue."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read)) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is missing; the checksum tells whether that is so
            _check_answer(response, have)
            start = _range_start(response)
            length = response.headers.get("Content-Length")
            end = start + int(length) if length else None
            _write(response, part, start, end)
    except requests.RequestException as error:
        raise _Interrupted(f"the transfer broke off or stalled ({type(error).__name__})") from error
    if end is not None and _size(part) != end:
        raise _Interrupted(f"the transfer ended after {_size(part)} of {end} bytes")


def _check_answer(response: requests.Response, have: int) -> None:
    """Tell a server that will not answer from one that may."""
    if response.status_code in HOPELESS:
        raise _DeadAddress(f"the server answered {response.status_code}")
    if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise _Interrupted(f"the server answered {response.status_code}")
    if response.status_code == requests.codes.partial_content and _range_start(response) != have:
        raise _DeadAddress("it gave other bytes than those asked for")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        # checked before a byte is written: an expired share's page must not replace gigabytes that can be continued
        raise _DeadAddress("it gave a web page instead of the archive")


def _range_start(response: requests.Response) -> int:
    """The first byte of the answer within the file: 0 where the server sends the whole file."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found and response.status_code == requests.codes.partial_content else 0


def _write(response: requests.Response, part: Path, start: int, end: int | None) -> None:
    """Stream the body to `part` from byte `start` on."""
    bar = tqdm(desc=part.stem, initial=start, total=end, unit="B", unit_scale=True, unit_divisor=1024, disable=None)
    try:
        with part.open("ab" if start else "wb") as file, bar:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    except requests.RequestException:
        raise  # is an OSError, but not the disk's
    except OSError as error:
        raise InputError(
            f"Cannot write {part} ({error.strerror}): free some space and run again, it will continue."
        ) from error


def _is_right(file: Path, archive: Archive) -> bool:
    _say(f"Checking the sha256 of {file.name} ...")
    return sha256_of(file) == archive.sha256


def _need_space(folder: Path, needed: int, purpose: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"To {purpose} takes {needed / 1e9:.1f} GB but {folder} has {free / 1e9:.1f} GB free: "
            "free some space or choose another folder."
        )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 with one line on standard error, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m gradlib.data.download", description="Fetch a data set.")
    parser.add_argument("dataset", choices=["mvtec", "visa"])
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder for the archive and the data")
    parser.add_argument("--accept-licence", action="store_true", help="you have read the data set's licence and agree")
    options = parser.parse_args(arguments)
    archive = {"mvtec": MVTEC, "visa": VISA}[options.dataset]
    try:
        target = fetch(archive, options.to, accept_licence=options.accept_licence)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: run the same command again to continue.", file=sys.stderr)
        return 130
    print(f"{archive.title} is in {target}: give it as root or DATA_ROOT, or set GRAD_DATA_ROOT.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
