"""Files on disk: the cache folder, replacing a file in one step, and its SHA-256."""

import hashlib
import os
from pathlib import Path

import platformdirs

from gradlib.errors import InputError


def replace_file(part: Path, path: Path) -> None:
    """Flush the finished file `part` to disk, then rename it to its final name `path`.

    Without the flush, a power cut just after the rename could leave an empty file there.
    """
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


def cache_folder() -> Path:
    """The folder of cached features and downloads: GRAD_CACHE, else the system's cache folder for gradlib."""
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
