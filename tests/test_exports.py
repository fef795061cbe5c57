"""Every name that a package offers lazily exists, and every name that a chapter takes from one is offered."""

import importlib
import re
from pathlib import Path

import pytest

from gradbook.paths import repository
from pages import cells

ROOT = repository()
STUBS = sorted([*ROOT.glob("gradlib/**/__init__.pyi"), *ROOT.glob("book/gradbook/**/__init__.pyi")])
NAMESPACES = ("analysis", "bench", "data", "deploy", "living", "page", "paths", "plots", "study")


def package_of(stub: Path) -> str:
    return ".".join(stub.parent.relative_to(ROOT / "book" if "gradbook" in stub.parts else ROOT).parts)


@pytest.mark.parametrize("stub", STUBS, ids=package_of)
def test_every_name_of_a_package_loads(stub: Path) -> None:
    package = importlib.import_module(package_of(stub))
    names = re.findall(r"^from \.[\w.]* import (\w+) as \1$", stub.read_text(encoding="utf8"), re.MULTILINE)
    assert set(package.__all__) == set(names)
    for name in names:
        assert getattr(package, name) is not None


@pytest.mark.parametrize("namespace", ["gl", *NAMESPACES])
def test_chapters_use_names_that_exist(namespace: str) -> None:
    module = "gradlib" if namespace == "gl" else f"gradlib.{namespace}"
    if namespace not in ("gl", "data", "deploy"):
        module = f"gradbook.{namespace}"
    package = importlib.import_module(module)
    code = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    used = {name for text in code for name in re.findall(rf"(?<![\w.]){namespace}\.([A-Za-z_]\w*)", text)}
    assert used
    assert not {name for name in used if not hasattr(package, name)}
