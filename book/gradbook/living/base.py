"""What all living figures share: one ES module for each, a text alternative, numbers as bytes.

On the built site there is no kernel, so a figure's JavaScript computes everything. In JupyterLab the same module runs,
traits are synchronised with Python, and a figure may ask Python for what JavaScript cannot compute.
"""

import re
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from gradlib.errors import InputError

JS = Path(__file__).parent / "js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def joined(view: str) -> str:
    """One ES module of a view and all its imports, dependencies first, since anywidget takes a single text.

    view: the name of a file in js/ without its extension. The files are separate modules so that Node can test the
    maths; names must differ across the files that are joined.
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        text = (JS / f"{name}.js").read_text(encoding="utf-8")
        for dependency in IMPORT.findall(text):
            if dependency not in texts:
                add(dependency)
        texts[name] = EXPORT.sub("", IMPORT.sub("", text))

    add(view)
    return "\n".join(texts.values())


def packed(values: ArrayLike) -> bytes:
    """Numbers as little-endian float32, a third of their size as text."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


class LivingFigure(anywidget.AnyWidget):
    """An interactive figure. A subclass sets `_esm = joined("<name>_view")` and its traits.

    alt: the text alternative, a sentence or two on what the figure shows. Raises InputError without it.
    """

    _css = JS / "living.css"
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        if not str(traits.get("alt", self.alt)).strip():
            raise InputError(f"{type(self).__name__} has no text alternative: say in `alt` what the figure shows.")
        super().__init__(**traits)
