"""Tables of recorded runs: right cells from records, and text where a run or a value is missing."""

import pytest

from gradbook import page
from gradbook.study import tables
from gradbook.study.statistics import tidy_metrics
from gradlib.metrics.ranking import METRIC_NAMES
from recorded import record

NBSP = "\N{NO-BREAK SPACE}"
GOOD = [record(image=1.0)]
BAD = [record(image=0.5, pixel=0.1, scores=[0, 1] * 10)]


def rows(table: object) -> list[list[str]]:
    """The cells of a Markdown table below its headings."""
    lines = table.data.splitlines()[2:]  # type: ignore[attr-defined]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_metrics_are_one_line_for_each_run_category_and_metric() -> None:
    frame = tidy_metrics({"one": [record(0), record(1, pixel=None)], "none": []})
    assert len(frame) == 2 * 2 * 7  # seeds, bottle and mean, metrics
    assert frame["value"].isna().sum() == 2
    of_mean = frame.query("category == 'mean' and metric == 'image_auroc'")
    assert of_mean[["row", "seed", "value"]].to_numpy().tolist() == [["one", 0, 0.9], ["one", 1, 0.9]]


def test_every_metric_has_a_heading() -> None:
    assert tables.HEADINGS.keys() == set(METRIC_NAMES)


def test_a_cell_is_mean_and_deviation_in_percent() -> None:
    assert tables.in_percent([0.90, 0.92]) == f"91.00{NBSP}±{NBSP}1.41"
    assert tables.in_percent([0.9]) == "90.00"
    assert tables.in_percent([0.9, float("nan")]) == tables.in_percent([]) == "–"


def test_a_run_s_table_leaves_out_metrics_that_no_category_defines() -> None:
    table = tables.metrics_of_run(record(pixel=None))
    assert "pixel AUROC" not in table.data
    assert "pixel AP" in table.data
    assert [row[0] for row in rows(table)] == ["bottle", "**mean**"]
    assert rows(table)[1][1] == "**90.0**"
    beside = rows(tables.metrics_of_run(record(), record(image=0.7)))
    assert beside[2][:2] == ["nearest neighbours, mean", "70.0"]


def test_neighbours_stand_beside_grad_over_the_seeds() -> None:
    table = tables.neighbours_table([record(0, 0.90), record(1, 0.92)], [record(0, 0.5)])
    assert f"| bottle | image AUROC | 91.00{NBSP}±{NBSP}1.41 | 50.00 |" in table.data
    assert "2 seeds" in table.data
    assert "pixel" not in tables.neighbours_table([record(pixel=None)]).data
    assert "make results" in tables.neighbours_table([]).data


def test_the_source_names_data_settings_seeds_commits_and_devices() -> None:
    line = tables.neighbours_table([record(0), record(1)]).data.splitlines()[-1]
    assert all(part in line for part in ("012345678", "seeds 0, 1", "CPU", "last epoch", "training 12 to 12 s"))
    few, more = record(0), record(1)
    more["data"]["counts"] = {"bottle": {"train": 12, "test": 20}}
    more["experiment"] |= {"backbone": "y", "method": "knn"}
    line = tables.source([few, more])
    assert "(bottle 3 or 12 / 20 training / test images)" in line
    assert "x or y" in line
    assert "epochs" not in line, "a setting of training that the neighbours do not use"


def test_the_best_method_is_bold_even_if_it_is_not_ours() -> None:
    grad, peer = rows(tables.peers_table({"GRAD": [record(image=0.90)], "peer": [record(image=0.95)], "none": []}))
    assert grad == ["GRAD", "90.00", "90.00"]
    assert peer == ["peer", "**95.00**", "**95.00**"]
    assert "make results" in tables.peers_table({"GRAD": []}).data


def test_distances_say_ahead_or_behind_by_their_interval() -> None:
    (line,) = rows(tables.distance_table(GOOD, {"bad": BAD, "none": []}))
    assert line[0] == "GRAD − bad"
    assert line[1].startswith("+50.00 (")
    assert line[2] == "ahead"
    assert rows(tables.distance_table(BAD, {"good": GOOD}))[0][2] == "behind"
    assert "make results" in tables.distance_table([], {"bad": BAD}).data


def test_pairs_are_compared_on_both_metrics_and_on_one_category() -> None:
    without_masks = [record(pixel=None, pixel_replicates=None)]
    by_metric = tables.compare_pairs({"all": (GOOD, BAD), "one": (GOOD, BAD, "bottle"), "x": (GOOD, without_masks)})
    image, pixel = by_metric["image_auroc"], by_metric["pixel_auroc"]
    assert image["all"] == image["one"]
    assert pixel["x"] is None
    table = tables.comparison_table(by_metric, ("helps", "hurts", "open"), "good − bad")
    assert table.data.startswith("| good − bad | image AUROC (95 % interval) | verdict | pixel AUROC")
    assert [row[2] for row in rows(table)][:2] == ["helps", "helps"]
    assert rows(table)[2][3:] == ["–", "–"]


def test_each_category_is_compared_with_its_best_peer() -> None:
    (cells,) = rows(tables.category_intervals(BAD, {"bad": BAD, "good": GOOD, "none": []}, "image_auroc"))
    assert cells[:2] == ["bottle", "50.00"]
    assert cells[3] == "good, 100.00"
    assert cells[4].startswith("-50.00 (")
    low, high = map(float, cells[2].split(f"{NBSP}to{NBSP}"))
    assert low < 50 < high
    assert "make results" in tables.category_intervals([], {"good": GOOD}, "image_auroc").data


def test_switches_are_differences_to_the_first_row() -> None:
    changed = {"full": GOOD, "other": BAD, "unmasked": [record(pixel=None, pixel_replicates=None)], "missing": []}
    full, other, unmasked, missing = rows(tables.switch_table(changed))
    assert full == ["full", "100.00", "–", "80.00", "–", "1"]
    assert other[2].startswith("-50.00 (")
    assert unmasked[3:5] == ["–", "–"]
    assert missing == ["missing", "–", "–", "–", "–", "0"]
    assert "make results" in tables.switch_table({}).data


def test_sizes_stand_beside_what_they_reach() -> None:
    run = record() | {"model": {"parameters": 1_250_000, "flops": 3_000_000}}
    run["experiment"]["epochs"] = 7
    (cells,) = rows(tables.size_table({"small": [run], "none": []}))
    assert cells == ["small", "1.25", "0.00", "7", f"12{NBSP}to{NBSP}12", "90.00", "80.00"]


def test_columns_of_text_are_aligned_left() -> None:
    lines = page.markdown_table(["a", "b", "c"], [["1", "2", "3"]], text=2).data.splitlines()
    assert lines[1] == "| --- | --- | ---: |"


@pytest.mark.parametrize(("cell", "shown"), [("+1.2 (-0.3 to +2.7)", f"-0.3{NBSP}to{NBSP}+2.7"), ("a to b", "a to b")])
def test_no_line_break_parts_the_ends_of_a_range(cell: str, shown: str) -> None:
    assert shown in page.markdown_table(["a", "gap"], [["x", cell]]).data
