"""Where things lie: argument first, then an environment variable, then a default; never the working directory.

Jupyter Book and nbmake run a chapter in the chapter's folder, papermill in the caller's (so a relative
path would mean three places), hence every default below is absolute.
"""

import hashlib
import os
import subprocess
from pathlib import Path


def repository() -> Path:
    """The checkout this package was imported from (an editable install), which holds book/ and data/."""
    return Path(__file__).resolve().parents[2]


def code_digest() -> str:
    """sha256 (hex) of this library's sources: a folder named after it never meets edited code."""
    code = hashlib.sha256()
    for path in sorted((repository() / "gradlib").rglob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()


def runs_folder() -> Path:
    """Where a run without OUT is written: GRAD_RUNS, else runs/ in the repository."""
    return Path(os.environ.get("GRAD_RUNS") or repository() / "runs").expanduser().resolve()


def results_folder() -> Path:
    """The ledger, one small JSON a run: GRAD_RESULTS, else the committed one in data/results."""
    return Path(os.environ.get("GRAD_RESULTS") or repository() / "data" / "results").expanduser().resolve()


def generated_folder() -> Path:
    """What chapters make for the site to serve, as `_static/generated/`: models for the page, not committed."""
    return repository() / "book" / "_generated" / "generated"


def git(*arguments: str) -> str | None:
    """A git command's answer in the checkout that holds gradlib; None where there is no checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(repository()), *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
