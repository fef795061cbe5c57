"""Every chapter follows the template of CONTRIBUTING.md. That chapters run is checked by `pytest --nbmake book/`."""

import ast
import json
import re
import statistics
from pathlib import Path

import pytest

from gradbook.paths import repository

BOOK = repository() / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.stem[0].isdigit()]  # the others are pages of tables
HEADINGS = (
    "Before you start",
    "Intuition",
    "The equation",
    "The code, line by line",
    "Check",
    "Explore",
    "Evidence",
    "What can go wrong",
    "Exercises",
    "Summary",
)
# papermill's contract
TRAINING_PARAMETERS = "DATASET DATA_ROOT CATEGORIES SETTING BACKBONE PRESET MODEL TRAINING MAP_SIZE EPOCHS SHOTS SEED"
LONGEST_CELL = 40  # lines
MEDIAN_CELL = 8
FORBIDDEN = {
    "installation": r"^\s*[!%]\s*(pip|conda|apt)|subprocess.*\bpip\b",
    "web address": r"https?://",
    "absolute path": r"""["'](/\w|~|[A-Za-z]:\\)""",
    "progress bar that needs a kernel": r"tqdm\.(auto|notebook)",
}
PRAISE = (
    "obviously|of course|needless to say|powerful|state[- ]of[- ]the[- ]art|cutting[- ]edge|amazing|huge|dramatic|"
    "excellent|superior|outperform|remarkabl|impressive|extremely|unprecedented|significantly"
)
# a share or a metric to a tenth or finer, as somebody measures it; settings such as 95 % or 0.05 are none
MEASURED = r"\b\d\d+\.\d+ ?%|AUROC (?:of|is|was) \d+\.\d"
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)


def read(chapter: Path) -> dict:
    return json.loads(chapter.read_text(encoding="utf8"))


def text(cell: dict) -> str:
    return "".join(cell["source"])


def code(chapter: Path) -> list[dict]:
    return [cell for cell in read(chapter)["cells"] if cell["cell_type"] == "code"]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def parameters(chapter: Path) -> list[dict]:
    return [cell for cell in code(chapter) if "parameters" in tags(cell)]


def test_book_has_chapters() -> None:
    assert CHAPTERS


@each_chapter
def test_name_is_short_and_numbered(chapter: Path) -> None:
    assert re.fullmatch(r"\d\d_[a-z0-9_]{3,31}", chapter.stem)
    assert not chapter.with_suffix(".md").exists(), "two sources for one page"


@each_notebook
def test_notebook_carries_no_outputs(chapter: Path) -> None:
    assert [cell for cell in code(chapter) if cell["outputs"] or cell["execution_count"]] == []


@each_notebook
def test_every_cell_has_an_id_of_its_own(chapter: Path) -> None:
    notebook = read(chapter)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)


@each_notebook
def test_metadata_holds_the_kernel_and_no_versions(chapter: Path) -> None:
    metadata = read(chapter)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert not {"language_info", "papermill", "widgets"} & set(metadata)


@each_notebook
def test_first_cell_is_label_and_title(chapter: Path) -> None:
    first = read(chapter)["cells"][0]
    assert first["cell_type"] == "markdown"
    assert re.match(r"\(ch-[a-z0-9-]+\)=\n# \S", text(first))


@each_chapter
def test_headings_of_the_template_come_in_order(chapter: Path) -> None:
    prose = "\n".join(text(cell) for cell in read(chapter)["cells"] if cell["cell_type"] == "markdown")
    found = [heading for heading in re.findall(r"^## (.+?)\s*$", prose, re.MULTILINE) if heading in HEADINGS]
    assert found == list(HEADINGS)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1


@each_chapter
def test_one_cell_of_parameters_assigns_constants(chapter: Path) -> None:
    (cell,) = parameters(chapter)
    for statement in ast.parse(text(cell)).body:
        assert isinstance(statement, ast.Assign | ast.AnnAssign)
        (name,) = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        assert isinstance(name, ast.Name)
        assert name.id.isupper()
        assert statement.value is not None
        assert isinstance(ast.literal_eval(statement.value), str | int | float | bool | dict | None)


def test_training_chapter_has_the_parameters_of_its_command_line() -> None:
    (cell,) = parameters(BOOK / "09_training.ipynb")
    assert {*TRAINING_PARAMETERS.split(), "DEVICE", "OUT"} <= set(re.findall(r"^([A-Z_]+)\b", text(cell), re.MULTILINE))


@each_notebook
def test_cells_are_short(chapter: Path) -> None:
    lengths = {cell["id"]: len(text(cell).splitlines()) for cell in code(chapter)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_CELL} == {}


@each_chapter
def test_half_of_the_cells_are_very_short(chapter: Path) -> None:
    assert statistics.median(len(text(cell).splitlines()) for cell in code(chapter)) <= MEDIAN_CELL


@each_chapter
def test_chapter_shows_a_figure_and_asserts_against_the_library(chapter: Path) -> None:
    cells = [cell for cell in code(chapter) if "exercise-check" not in tags(cell)]
    assert [cell for cell in cells if cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption")]
    assert [cell for cell in cells if re.search(r"\bassert(_close)?\b", text(cell))]
    assert re.search(r"^(from|import) gradlib", "\n".join(map(text, cells)), re.MULTILINE)


@each_notebook
@pytest.mark.parametrize("what", FORBIDDEN)
def test_code_holds_no(what: str, chapter: Path) -> None:
    assert [cell["id"] for cell in code(chapter) if re.search(FORBIDDEN[what], text(cell), re.MULTILINE)] == []


def prose(page: Path) -> str:
    """A page's words, without code and formulas."""
    texts = [page.read_text(encoding="utf8")]
    if page.suffix == ".ipynb":
        texts = [text(cell) for cell in read(page)["cells"] if cell["cell_type"] == "markdown"]
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", " ", "\n".join(texts), flags=re.DOTALL)


@pytest.mark.parametrize("page", [*NOTEBOOKS, *sorted(BOOK.glob("*.md"))], ids=lambda path: path.stem)
def test_prose_neither_praises_nor_types_a_measured_number(page: Path) -> None:
    assert re.findall(rf"\b(?:{PRAISE})\w*", prose(page), re.IGNORECASE) == []
    assert re.findall(MEASURED, prose(page)) == []


@each_notebook
def test_every_figure_has_words(chapter: Path) -> None:
    for cell in code(chapter):
        shown, source = cell["metadata"].get("mystnb", {}), text(cell)
        if re.search(r"\bplt\.|\.imshow\(|\.subplots\(", re.sub(r"^(import|from) .*", "", source, flags=re.MULTILINE)):
            assert shown.get("figure", {}).get("name", "").startswith("fig-"), f"{cell['id']}: no figure.name"
            assert shown["figure"].get("caption"), f"{cell['id']}: no figure.caption"
            assert shown.get("image", {}).get("alt"), f"{cell['id']}: no image.alt"
        if re.search(r"\bgo\.Figure\(|\bpx\.\w+\(|make_subplots\(", source):
            assert "describe(" in source, f"{cell['id']}: a plotly figure without describe(figure, alt)"
