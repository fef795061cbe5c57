"""The tables of the evidence pages: right cells from records, words where a run is missing, published numbers."""

import pytest

from gradbook.study import tables
from gradbook.study.published import published_methods, published_rows, published_value
from gradbook.study.record import write_json
from gradlib.errors import InputError
from gradlib.metrics.evaluation import METRIC_NAMES

LABELS = "0" * 10 + "1" * 10


def record(seed, image, pixel=0.8, scores=range(20)):
    values = dict.fromkeys(METRIC_NAMES, image) | {"pixel_auroc": pixel}
    kept = {"scores": " ".join(map(str, scores)), "labels": LABELS, "defects": [["good", 10], ["hole", 10]]}
    kept |= {"pixel_replicates": "0.7 0.8 0.9", "patch_error": {"normal": 1.0, "anomalous": 2.0}}
    settings = dict.fromkeys(("dataset", "setting", "backbone", "preset", "map_size", "epochs", "protocol"), "x")
    return {
        "schema": 2,
        "classes": {"bottle": values},
        "mean": values,
        "evidence": {"bottle": kept},
        "data": {"fingerprint": "f", "counts": {"bottle": {"train": 3, "test": 20}}},
        "experiment": settings | {"seed": seed},
        "provenance": {"commit": "0123456789abcdef", "device": "CPU"},
        "seconds": {"training": 12.3},
    }


@pytest.fixture
def results(tmp_path, monkeypatch):
    for module in ("gradbook.study.tables", "gradbook.study.plan"):
        monkeypatch.setattr(f"{module}.results_folder", lambda: tmp_path)
    for seed, value in enumerate((0.980, 0.982)):
        write_json(tmp_path / f"memories-local-grid-64-seed{seed}.json", record(seed, value))
    return tmp_path


def test_a_group_stands_beside_the_paper_and_empty_cells_say_why(results, monkeypatch):
    monkeypatch.delenv("GRAD_MVTEC", raising=False)
    lines = tables.group_table("memories").data.splitlines()
    (grid,) = [line for line in lines if line.startswith("| local-grid-64")]
    assert "| 98.0 | 98.10\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.14 | +0.1 |" in grid
    assert grid.endswith("| 2 |")
    (vq,) = [line for line in lines if line.startswith("| local-vq-64")]
    assert "| 97.0 | – | – |" in vq
    assert vq.endswith("| needs data |")
    assert "commit 012345678" in lines[-1]
    with pytest.raises(InputError, match="no group"):
        tables.group_table("nothing")


def test_the_source_names_every_number_of_training_images():
    few, more = record(0, 0.9), record(1, 0.9)
    more["data"]["counts"] = {"bottle": {"train": 12, "test": 20}}
    assert "(bottle 3 or 12 / 20 training / test images)" in tables.origin([few, more])


def test_a_group_without_paper_values_has_no_such_columns(results):
    for group in ("switches", "parts-synthetic"):  # of the second the paper has rows, on other images
        assert tables.group_table(group).data.startswith("| row | image AUROC | pixel AUROC | runs |")


def test_coverage_counts_what_is_done(results):
    lines = tables.coverage_overview().data.splitlines()
    (first,) = [line for line in lines if line.startswith("| Table 1 |")]
    assert first.split("|")[3].strip() == "2"
    assert "| done | done |" in tables.coverage_table("1").data
    with pytest.raises(InputError, match='no run for table "99"'):
        tables.coverage_table("99")


def test_every_table_of_the_plan_can_be_shown(results):
    for table in ("1", "2-3", "4", "5", "6", "7", "8", "9", None):
        assert len(tables.tables_of(table)) >= 2


def test_the_best_method_is_bold_even_if_it_is_not_ours():
    methods = {"GRAD": [record(0, 0.90)], "peer": [record(0, 0.95)], "none": []}
    lines = tables.peers_table(methods).data.splitlines()
    assert "**" not in lines[2]
    assert "**95.00**" in lines[3]
    assert len(lines) == 4
    assert "make results" in tables.peers_table({"GRAD": []}).data


def test_distances_say_ahead_or_behind_by_their_interval():
    good, bad = [record(0, 1.0)], [record(0, 0.5, pixel=0.1, scores=[0, 1] * 10)]
    table = tables.distance_table(good, {"bad": bad}).data
    assert "| GRAD − bad | image AUROC | +50.00 |" in table
    assert "| ahead |" in table.splitlines()[2]
    assert "| behind |" in tables.distance_table(bad, {"good": good}).data.splitlines()[2]
    assert "make results" in tables.distance_table([], {"bad": bad}).data


def test_each_class_is_compared_with_its_best_peer():
    good, bad = [record(0, 1.0)], [record(0, 0.5, pixel=0.1, scores=[0, 1] * 10)]
    (row,) = tables.class_intervals(bad, {"bad": bad, "good": good, "none": []}, "image_auroc").data.splitlines()[2:]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:2] == ["bottle", "50.00"]
    assert cells[3] == "good, 100.00"
    assert cells[4].startswith("-50.00 (")
    low, high = map(float, cells[2].split("\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"))
    assert low < 50 < high
    assert "make results" in tables.class_intervals([], {"good": good}, "image_auroc").data


def test_switches_are_differences_to_the_first_row():
    table = tables.switch_table({"full": [record(0, 0.9)], "other": [record(0, 0.8)]}).data.splitlines()
    assert "| – |" in table[2]
    assert "-10.00" in table[3]
    assert "make results" in tables.switch_table({}).data


def test_sizes_stand_beside_what_they_reach():
    run = record(0, 0.9) | {"model": {"parameters": 1_250_000, "flops": 3_000_000}}
    run["experiment"]["epochs"] = 7
    shown = tables.size_table({"small": [run], "none": []}).data.replace("\N{NO-BREAK SPACE}", " ")
    assert "| small | 1.25 | 0.00 | 7 | 12 to 12 | 90.00 | 80.00 |" in shown


def test_classes_stand_beside_the_published_methods():
    table = tables.class_table("mvtec", "unified", "image_auroc", [record(0, 0.5)], ["bottle", "cable"]).data
    assert table.count("(published)") == 9
    assert table.splitlines()[2].endswith("| 100.0 | 50.00 |")
    assert table.splitlines()[3].endswith("| 99.5 | – |")
    assert (
        "| bottle | 100.0 | 50.00 | -50.0 |"
        in tables.against_paper("mvtec", "unified", "image_auroc", [record(0, 0.5)]).data
    )


def test_published_values_are_the_paper_s():
    assert published_value("mvtec", "unified", "GRAD", "transistor", "pixel_auroc") == 98.3
    assert published_value("visa", "separate", "OmniAL", "cashew", "image_auroc") == 97.1
    assert published_value("mvtec", "separate", "HVQ-Trans", "cable", "image_auroc") is None
    assert published_methods("visa", "unified") == ["UniAD", "PatchCore", "OmniAL", "GRAD"]
    assert len(published_rows()) == 752
    assert len(tables.published_classes("mvtec")) == 15
    assert len(tables.published_classes("visa")) == 12
