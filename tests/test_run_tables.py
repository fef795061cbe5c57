"""Tables and figures made from records and scores: right numbers, and words where a number is missing."""

import numpy as np
import pytest

from conftest import save
from gradbook import page
from gradbook.plots import detector
from gradbook.study import run_tables
from gradlib.deploy import thresholds
from gradlib.metrics.evaluation import METRIC_NAMES


def record(seed=0, image=0.9, pixel=0.8):
    values = dict.fromkeys(METRIC_NAMES, image) | {"pixel_auroc": pixel}
    settings = dict.fromkeys(("dataset", "setting", "backbone", "preset", "map_size", "epochs", "protocol"), "x")
    return {
        "classes": {"nut": values},
        "mean": values,
        "experiment": settings | {"seed": seed},
        "provenance": {"commit": "0123456789abcdef", "device": "CPU"},
        "seconds": {"training": 12.3},
    }


def test_a_run_s_table_leaves_out_metrics_that_no_class_defines():
    shown = run_tables.metrics_of_run(record(pixel=None)).data
    assert "90.0" in shown
    assert "pixel AUROC" not in shown
    assert "pixel AP" in shown
    assert "nearest" not in shown
    assert "| 70.0" in run_tables.metrics_of_run(record(), record(image=0.7)).data


def test_the_ledger_table_gives_mean_and_spread_in_percent():
    shown = run_tables.ledger_table([record(0, 0.90), record(1, 0.92)]).data
    assert "91.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.41" in shown
    assert "2 seeds" in shown
    assert run_tables.mean_and_spread([record()], "image_auroc") == "90.00"


def test_undefined_values_are_left_out_of_the_ledger_table():
    assert "pixel" not in run_tables.ledger_table([record(pixel=None)]).data


def test_an_empty_ledger_says_how_to_fill_it():
    assert "make results" in run_tables.ledger_table([]).data


def test_the_source_names_commit_seeds_and_device():
    line = run_tables.ledger_table([record(0), record(1)]).data
    assert all(part in line for part in ("012345678", "seeds 0, 1", "CPU"))


def test_confusion_counts_each_image_once():
    score, label = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 1, 0, 1])
    assert thresholds.confusion(score, label, 0.5) == {"found": 1, "missed": 1, "false alarms": 1, "passed": 1}
    assert sum(thresholds.confusion(score, label, 0.0).values()) == 4


def test_the_loss_curve_shows_every_epoch_and_the_drops():
    figure = detector.loss_curve([3.0, 2.0, 1.0], [2])
    assert list(figure.data[0].y) == [3.0, 2.0, 1.0]
    assert figure.layout.shapes[0].x0 == pytest.approx(2.5)


def test_photographs_stand_above_maps_on_one_scale(tmp_path):
    path = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png")
    figure = detector.photographs_with_maps([path, path], np.stack([np.zeros((4, 4)), np.ones((4, 4))]), ["a", "b"])
    top, low = figure.axes[0].images[0], figure.axes[2].images[0]
    assert top.get_array().shape == (224, 224, 3)
    assert low.get_clim() == figure.axes[3].images[0].get_clim() == (0, 1)


def test_columns_of_text_are_aligned_left():
    assert (
        page.markdown_table(["a", "b", "c"], [["1", "2", "3"]], text=2).data.splitlines()[1] == "| --- | --- | ---: |"
    )


def test_no_line_break_parts_the_ends_of_a_range():
    shown = page.markdown_table(["a", "gap"], [["one to three", "+1.2 (-0.3 to +2.7)"]]).data
    assert "(-0.3\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}+2.7)" in shown
    assert "one to three" in shown
