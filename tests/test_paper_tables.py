"""Tables beside the paper's values: right cells, text where a run is missing, and the published numbers."""

from pathlib import Path

import pytest

from gradbook.study import coverage, paper_tables
from gradbook.study.published import published, published_categories, published_methods, published_value
from gradbook.study.record import write_json
from gradlib.errors import InputError
from recorded import record


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two records of a row of Table 1 alone."""
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path))
    monkeypatch.delenv("GRAD_MVTEC", raising=False)
    for seed, value in enumerate((0.980, 0.982)):
        write_json(tmp_path / f"memories-local-grid-64-seed{seed}.json", record(seed, value))
    return tmp_path


@pytest.mark.usefixtures("results")
def test_a_group_stands_beside_the_paper_and_empty_cells_say_why() -> None:
    lines = paper_tables.group_table("memories").data.splitlines()
    (grid,) = [line for line in lines if line.startswith("| local-grid-64")]
    assert "| 98.0 | 98.10\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.14 | +0.1 |" in grid
    assert grid.endswith("| 2 |")
    (vq,) = [line for line in lines if line.startswith("| local-vq-64")]
    assert "| 97.0 | – | – |" in vq
    assert vq.endswith("| needs data |")
    assert "commit 012345678" in lines[-1]
    with pytest.raises(InputError, match="no group"):
        paper_tables.group_table("nothing")


@pytest.mark.usefixtures("results")
def test_a_group_without_paper_values_has_no_such_columns() -> None:
    for group in ("switches", "parts-synthetic"):  # of the second the paper has rows, on other images
        assert paper_tables.group_table(group).data.startswith("| row | image AUROC | pixel AUROC | runs |")


@pytest.mark.usefixtures("results")
def test_every_table_of_the_plan_can_be_shown() -> None:
    for table in ("1", "2-3", "4", "5", "6", "7", "8", "9", None):
        assert len(paper_tables.tables_of(table)) >= 2


@pytest.mark.usefixtures("results")
def test_coverage_counts_what_is_done() -> None:
    lines = coverage.coverage_overview().data.splitlines()
    (first,) = [line for line in lines if line.startswith("| Table 1 |")]
    assert first.split("|")[3].strip() == "2"
    assert "| done | done |" in coverage.coverage_table("1").data
    with pytest.raises(InputError, match='no run for table "99"'):
        coverage.coverage_table("99")


def test_categories_stand_beside_the_published_methods() -> None:
    runs = [record(image=0.5)]
    table = paper_tables.category_table("mvtec", "unified", "image_auroc", runs, ["bottle", "cable"]).data
    assert table.count("(published)") == 9
    assert table.splitlines()[2].endswith("| 100.0 | 50.00 |")
    assert table.splitlines()[3].endswith("| 99.5 | – |")
    beside = paper_tables.against_paper("mvtec", "unified", "image_auroc", runs).data
    assert "| bottle | 100.0 | 50.00 | -50.0 |" in beside
    assert "Source: x" in beside
    assert len(paper_tables.against_paper("mvtec", "unified", "image_auroc", []).data.splitlines()) == 2


def test_published_values_are_the_paper_s() -> None:
    assert published_value("mvtec", "unified", "GRAD", "transistor", "pixel_auroc") == 98.3
    assert published_value("visa", "separate", "OmniAL", "cashew", "image_auroc") == 97.1
    assert published_value("mvtec", "separate", "HVQ-Trans", "cable", "image_auroc") is None
    assert published_methods("visa", "unified") == ["UniAD", "PatchCore", "OmniAL", "GRAD"]
    assert len(published()) == 752
    assert not published().index.has_duplicates
    assert len(published_categories("mvtec")) == 15
    assert len(published_categories("visa")) == 12
