"""Sphinx extension: the built site serves everything itself and asks no other host."""

from pathlib import Path

import vendor
from sphinx.application import Sphinx
from sphinx.config import Config

BOOK = Path(__file__).resolve().parents[1]
STATIC = BOOK / "_static"
GENERATED = BOOK / "_generated"  # written by chapters while they run, copied to the site afterwards


def use_local_files(app: Sphinx, config: Config) -> None:
    """Vendored files are copied to the site but put on no page: a page names the ones that it needs."""
    vendor.ensure()
    GENERATED.mkdir(exist_ok=True)
    config.html_static_path = [*config.html_static_path, str(STATIC), str(vendor.VENDOR), str(GENERATED)]
    # Left empty by Jupyter Book, which the theme's script reports as an invalid mode on each page.
    config.html_context = {**config.html_context, "default_mode": "auto"}


def drop_thebe(app: Sphinx) -> None:
    """Jupyter Book 1 always loads sphinx_thebe, which writes a CDN address into each page, button or no button."""
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [
            listener for listener in listeners if not listener.handler.__module__.startswith("sphinx_thebe")
        ]


def drop_unused_mathjax(app: Sphinx, page: str, template: str, context: dict[str, object], tree: object) -> None:
    """Sphinx loads MathJax (1 MB) on each page above one with formulas, so on the first page of any book."""
    if not app.env.get_domain("math").data["has_equations"].get(page):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if app.config.mathjax_path not in str(script)]


# Inline: the theme's and the figures' scripts. Eval: ipywidgets compiles its schema, onnxruntime its WebAssembly.
# Blobs: drawn pictures and workers.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
    )
)


def forbid_other_hosts(app: Sphinx, page: str, template: str, context: dict[str, object], tree: object) -> None:
    """A content security policy on each page: a browser asks no other host even if a script wants to."""
    context["metatags"] = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' + str(
        context.get("metatags", "")
    )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", use_local_files, priority=900)  # after Jupyter Book has set its own paths
    app.connect("builder-inited", drop_thebe, priority=1)  # before sphinx_thebe acts on the same event
    app.connect("html-page-context", drop_unused_mathjax, priority=900)  # after Sphinx has added it
    app.connect("html-page-context", forbid_other_hosts)
    app.add_css_file("custom.css")
    app.add_js_file("figures.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
