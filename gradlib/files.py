"""Files on disk: where caches lie, how a file is replaced in one step, and its SHA-256."""

import hashlib
import os
from pathlib import Path

import platformdirs

from gradlib.errors import InputError


def put(part: Path, path: Path) -> None:
    """Rename a file that is written whole into its place, its bytes on the disk first.

    Without the second, a power cut just after the rename could leave an empty file under the final name.
    """
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


def cache_folder() -> Path:
    """Where features and downloads are kept: GRAD_CACHE, else the system's cache folder for gradlib."""
    return Path(os.environ.get("GRAD_CACHE") or platformdirs.user_cache_dir("gradlib")).expanduser().resolve()


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file's bytes; raises InputError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"The file {path} cannot be read ({error.strerror}): restore it or read the folder again."
        ) from error
