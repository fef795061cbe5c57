"""Download MVTec AD or VisA: `python -m gradlib.data.download mvtec --to DIR --accept-licence`.

Nothing is unpacked before its sha256 is verified, an interrupted download resumes where it stopped, and a copy that was
downloaded by hand is checked and unpacked by the same command.
"""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import filelock
import requests
from tqdm import tqdm

from gradlib.data.archives import ARCHIVES, Archive, is_unpacked, unpack
from gradlib.data.samples import root_variable
from gradlib.errors import InputError
from gradlib.files import replace_file, sha256_of

CHUNK = 1 << 16  # bytes
TIMEOUT = (15.0, 60.0)  # seconds to connect, and without a byte received
ATTEMPTS = 4  # in a row without progress, for each address
PAUSE = 2.0  # seconds before the second attempt, doubled each time
PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 451})  # HTTP errors that waiting does not cure


def fetch(archive: Archive, folder: Path, *, accept_licence: bool = False) -> Path:
    """Download, check and unpack an archive to `<folder>/<archive.name>`; return that folder, at once if it is there.

    An archive already in `folder` is checked and used, and it is kept. Raises InputError without `accept_licence`, for
    a full disk, an unsafe archive, and if no address gives the right file.
    """
    if not accept_licence:
        raise InputError(
            f"{archive.title} is licensed under {archive.licence}: read {archive.page} and, if you agree, "
            "repeat with --accept-licence (accept_licence=True)."
        )
    folder = folder.expanduser().resolve()
    target = folder / archive.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{archive.name}.lock", timeout=0):
            if not is_unpacked(archive, target):
                unpack(_archive_file(archive, folder), archive, target)
    except filelock.Timeout as error:
        raise InputError(f"Another process is fetching {archive.title} to {folder}: wait for it to end.") from error
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}): choose another folder.") from error
    return target


def _archive_file(archive: Archive, folder: Path) -> Path:
    """The verified archive in `folder`, downloaded if necessary."""
    file = folder / archive.file_name
    part = file.with_name(file.name + ".part")
    if file.exists():
        if _is_right(file, archive):
            return file
        aside = file.with_name(file.name + ".wrong")
        file.replace(aside)
        _say(f"{file} has the wrong sha256 (incomplete, or another file): renamed to {aside.name}, downloading anew.")
    if not (_size(part) >= archive.size and _is_right(part, archive)):  # complete if killed just before its renaming
        needed, free = archive.size - _size(part) + archive.unpacked, shutil.disk_usage(folder).free
        if free < needed:
            raise InputError(
                f"To fetch {archive.title} takes {needed / 1e9:.1f} GB but {folder} has {free / 1e9:.1f} GB free: "
                "free some space or choose another folder."
            )
        try:
            _download(archive, part)
        except OSError as error:
            raise InputError(
                f"Cannot write {part} ({error.strerror}): free some space and run again, it will continue."
            ) from error
    replace_file(part, file)
    return file


def _download(archive: Archive, part: Path) -> None:
    """Try the addresses in turn until `part` is the archive; raises InputError with instructions if none works."""
    reasons = []
    for url in archive.urls:
        try:
            return _from_address(url, archive, part)
        except InputError as error:
            reasons.append(f"{url}: {error}")
            _say(f"{url} failed: {error}.")
    raise InputError(
        f"No address gave {archive.title} ({'; '.join(reasons)}): get {archive.file_name} by hand from {archive.page} "
        f"(unofficial copies, unverified: {archive.mirrors}; sha256 {archive.sha256}), put it at "
        f"{part.with_name(archive.file_name)} and run this command again, which checks and unpacks it."
    )


def _from_address(url: str, archive: Archive, part: Path) -> None:
    """Download from one address, resuming after interruptions; raises InputError if this address has to be given up."""
    failures, longest = 0, _size(part)
    while True:
        resumed = part.exists()
        try:
            _transfer(url, part)
            if _is_right(part, archive):
                return
            part.unlink()
            if not resumed:
                raise InputError("it gave a file with the wrong sha256, which was removed")
            # the beginning may be from another address, so this one is tried from the start before it is blamed
            reason = "the resumed file has the wrong sha256"
        except requests.RequestException as error:
            reason = f"the transfer broke off ({error})"
        failures = 1 if _size(part) > longest else failures + 1
        longest = max(longest, _size(part))
        if failures >= ATTEMPTS:
            raise InputError(f"{reason} ({failures} attempts)")
        _say(f"{reason}; trying again.")
        time.sleep(PAUSE * 2 ** (failures - 1))


def _transfer(url: str, part: Path) -> None:
    """One request for what `part` lacks, or for everything if the server cannot resume.

    Raises InputError if trying again is pointless, and requests.RequestException if it is not.
    """
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is missing, unless the checksum says otherwise
        start = _first_byte(response, have)
        length = response.headers.get("Content-Length")
        end = start + int(length) if length else None
        bar = tqdm(desc=part.stem, initial=start, total=end, unit="B", unit_scale=True, disable=None)
        with part.open("ab" if start else "wb") as file, bar:
            for chunk in response.iter_content(CHUNK):
                bar.update(file.write(chunk))
    if end is not None and _size(part) != end:
        raise requests.ConnectionError(f"it ended after {_size(part)} of {end} bytes")


def _first_byte(response: requests.Response, have: int) -> int:
    """Where the answer begins in the file: at `have`, or at 0 if the server cannot resume; raises as `_transfer`."""
    code = response.status_code
    if code in PERMANENT:
        raise InputError(f"the server answered {code}")
    if code not in (requests.codes.ok, requests.codes.partial_content):
        raise requests.HTTPError(f"the server answered {code}")
    content_range = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if code == requests.codes.partial_content and int(content_range[1] if content_range else 0) != have:
        raise InputError("it gave other bytes than those asked for")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        # of an expired share: it must not replace gigabytes that another address can continue
        raise InputError("it gave a web page instead of the archive")
    return have if code == requests.codes.partial_content else 0


def _is_right(file: Path, archive: Archive) -> bool:
    _say(f"Checking the sha256 of {file.name} ...")
    return sha256_of(file) == archive.sha256


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 with one line on standard error, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m gradlib.data.download", description="Download a data set.")
    parser.add_argument("dataset", choices=list(ARCHIVES))
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder for the archive and the data")
    parser.add_argument("--accept-licence", action="store_true", help="you have read the data set's licence and agree")
    options = parser.parse_args(arguments)
    archive = ARCHIVES[options.dataset]
    try:
        target = fetch(archive, options.to, accept_licence=options.accept_licence)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: run the same command again to continue.", file=sys.stderr)
        return 130
    variable = root_variable(options.dataset)
    print(f"{archive.title} is in {target}: give it as root (DATA_ROOT in the book), or set {variable}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
