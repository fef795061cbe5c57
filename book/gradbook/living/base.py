"""What all living figures share: one ES module a figure, words for those who cannot see it, numbers as bytes.

On the built site no kernel answers, so everything that a figure computes is computed by its JavaScript. In JupyterLab
the same module runs, the traits are live, and a figure may ask Python for what it cannot compute itself.
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
    """One ES module of a view and all that it imports, dependencies first: anywidget takes a single text.

    view: the name of a file in js/ without its ending. The files are modules of their own, so that Node can test the
    maths; names must differ across the files that are joined.
    """
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        text = (JS / f"{name}.js").read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            if needed not in parts:
                add(needed)
        parts[name] = EXPORT.sub("", IMPORT.sub("", text))

    add(view)
    return "\n".join(parts.values())


def packed(values: ArrayLike) -> bytes:
    """Numbers as little-endian float32, which a page carries in a third of the space that text takes."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


class LivingFigure(anywidget.AnyWidget):
    """A figure that moves. A subclass sets `_esm = joined("<name>_view")` and its traits.

    words: what the figure shows, a sentence or two, its text alternative.
    """

    _css = JS / "living.css"
    words = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        if not str(traits.get("words", self.words)).strip():
            raise InputError(f"{type(self).__name__} has no words: say what it shows for those who cannot see it.")
        super().__init__(**traits)
