"""Paths of the repository: from an environment variable, else a default; never relative to the working directory.

Jupyter Book and nbmake run a chapter in the chapter's folder, papermill in the caller's. A relative path would mean
three places, so every default below is absolute.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import gradlib

METHOD = Path(gradlib.__file__).parent


def repository() -> Path:
    """The checkout from which this package is imported (an editable install), with book/ and data/."""
    return Path(__file__).resolve().parents[2]


def code_digest() -> str:
    """sha256 (hex) of the code that a trained model and its scores depend on.

    Results stored under this digest are never reused after that code changes; figures and tables do not count.
    """
    code = hashlib.sha256()
    for folder in (METHOD, METHOD / "metrics", repository() / "book" / "gradbook" / "study" / "methods"):
        for path in sorted(folder.glob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()


def runs_folder() -> Path:
    """The folder of runs without OUT: GRAD_RUNS, else runs/ in the repository."""
    return Path(os.environ.get("GRAD_RUNS") or repository() / "runs").expanduser().resolve()


def results_folder() -> Path:
    """The folder of records, one small JSON file for each run: GRAD_RESULTS, else data/results in the repository."""
    return Path(os.environ.get("GRAD_RESULTS") or repository() / "data" / "results").expanduser().resolve()


def generated_folder() -> Path:
    """The folder of files that chapters write for the site, served as `_static/generated/`; not committed."""
    return repository() / "book" / "_generated" / "generated"


def git(*arguments: str) -> str | None:
    """The output of a git command in the repository; None where it fails or there is no checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(repository()), *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
