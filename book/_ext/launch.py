"""Sphinx extension: buttons that open a chapter on Binder or Colab, where the book's repository is public on GitHub.

The address is not written down. It is that of the repository that builds the page (GITHUB_REPOSITORY, which GitHub's
own workflows set, else the remote `origin`), so a fork's pages open the fork. Built elsewhere, pages carry no button.
"""

import os
import re
import subprocess

from sphinx.application import Sphinx
from sphinx.config import Config

REMOTE = re.compile(r"github\.com[:/](?P<name>[\w.-]+/[\w.-]+?)(\.git)?/?$")


def repository_name(declared: str | None, remote: str) -> str | None:
    """`owner/name` on GitHub, or None: from the variable if it is set, else from the remote's address."""
    found = REMOTE.search(remote.strip())
    return declared or (found["name"] if found else None)


def origin() -> str:
    """The address of the clone's origin; empty where there is none, or no git."""
    try:
        answer = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # a build asks for Python and make alone
        return ""
    return answer.stdout


def add_buttons(app: Sphinx, config: Config) -> None:
    """Tells the theme where the repository is and which services can run its notebooks."""
    name = repository_name(os.environ.get("GITHUB_REPOSITORY"), origin())
    if name is None:
        return
    config.html_theme_options = {
        **config.html_theme_options,
        "repository_url": f"https://github.com/{name}",
        "repository_branch": os.environ.get("GITHUB_REF_NAME", "main"),
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", add_buttons, priority=900)  # after Jupyter Book has set the theme's options
    return {"parallel_read_safe": True, "parallel_write_safe": True}
