"""The differences between paper and program: every name in them exists, and the tables say what the rows say."""

import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from gradbook.paths import repository
from gradbook.plots import released
from gradbook.study.evidence import numbers
from gradbook.study.plan import read_plan
from gradbook.study.released_differences import (
    PARTS,
    Difference,
    Effect,
    count_recorded,
    difference_table,
    effect,
    effect_table,
    effects,
    read_differences,
    resolve,
    shown,
)
from gradlib.config import RELEASED, TrainConfig
from gradlib.errors import InputError
from gradlib.presets import PRESETS
from pages import labels

ROWS = read_differences()


def told(owner: str) -> dict[str, object]:
    """What the rows set of a configuration, by field."""
    given = [(name, value) for row in ROWS for name, value in row.set.items() if value is not None]
    return {name.removeprefix(owner): value for name, value in given if name.startswith(owner)}


def test_every_row_has_a_name_of_its_own_and_every_part_has_rows() -> None:
    names = [row.id for row in ROWS]
    assert len(set(names)) == len(names) >= 40
    assert {row.part for row in ROWS} == set(PARTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_all_that_a_row_names_exists(row: Difference) -> None:
    for name in row.set:
        resolve(name)
    rows = {f"{planned.group}/{planned.row}" for planned in read_plan().values()}
    assert set(row.runs) <= rows
    assert set(row.chapters) <= labels()


def test_switches_of_the_model_are_those_of_the_released_configuration() -> None:
    """What the rows say does as released is what `gradlib.released` builds, and no field of it is forgotten."""
    found = told("gradlib.config.GradConfig.")
    default = type(RELEASED)()
    departures = {f.name for f in fields(RELEASED) if getattr(RELEASED, f.name) != getattr(default, f.name)}
    assert departures <= set(found)
    for name in departures:
        assert found[name] == getattr(RELEASED, name), name


def test_switches_of_training_are_those_of_the_preset_of_the_final_release() -> None:
    found = told("gradlib.config.TrainConfig.")
    crad = PRESETS["crad"].training
    for name in ("epochs", "drops", "clip_norm", "batch_size", "lr_nets", "lr_grids", "weight_decay"):
        value = tuple(found[name]) if name == "drops" else found[name]
        assert replace(TrainConfig(), **{name: value}) == replace(TrainConfig(), **{name: getattr(crad, name)})


def test_a_name_is_a_field_an_object_or_a_parameter() -> None:
    assert resolve("gradlib.config.GradConfig.jitter_per").default == "pixel"
    assert is_dataclass(resolve("gradlib.config.GradConfig"))
    assert resolve("gradlib.scores.anomaly_map(protocol)").default == "paper"
    for wrong in ("gradlib.config.GradConfig.jitters", "gradlib.scores.anomaly_map(smooth)", "nonsense.at.all"):
        with pytest.raises(InputError, match=r"exist|module"):
            resolve(wrong)


def test_names_stand_in_tables_as_python_writes_them() -> None:
    assert shown("gradlib.config.GradConfig.jitter_per", "batch") == "`GradConfig.jitter_per` = batch"
    assert shown("gradlib.scores.anomaly_map(protocol)", "released") == "`anomaly_map(protocol)` = official"
    assert shown("gradlib.train.fit(checkpoint)", None) == "`fit(checkpoint)`"
    assert shown("gradlib.grids.interpolate", None) == "`interpolate`"


def test_a_table_has_a_line_for_each_row_and_says_what_is_planned() -> None:
    recorded = count_recorded(ROWS)
    for part in PARTS:
        lines = difference_table(ROWS, part, recorded).data.splitlines()[2:]
        assert len(lines) == sum(row.part == part for row in ROWS)
        assert all(line.count(" | ") == 3 for line in lines)
    row = Difference("x", "model", "t", "p", "f", "o", final="g", here=True, chapters=["ch-a"], runs=["a/b", "c/d"])
    assert row.released() == "first: f; final: g"
    assert effect(row, {"a/b": 3}) == "below; {ref}`ch-a`; `a/b`, 3 runs; `c/d`, planned"
    assert effect(Difference("x", "model", "t", "p", "f", "o", unmeasured="why"), {}) == "no: why"


def test_a_list_that_does_not_fit_its_schema_is_refused(tmp_path) -> None:
    path = tmp_path / "differences.yaml"
    path.write_text("- {id: x, part: model, topic: t, paper: p, first: f, ours: o}\n")
    with pytest.raises(InputError, match="no list of differences"):
        read_differences(path)
    with pytest.raises(InputError, match="no list of differences"):
        read_differences(tmp_path / "missing.yaml")
    schema = json.loads((repository() / "data" / "differences.schema.json").read_text())
    known = {f.name for f in fields(Difference)}
    assert set(schema["items"]["properties"]) == known


def record(shift: float, seed: int = 0) -> dict:
    labels = np.array([0] * 30 + [1] * 30)
    scores = np.random.default_rng(seed).normal(shift * labels)
    value = float(np.mean(scores[30:, None] > scores[:30]))
    table = {"image_auroc": value, "pixel_auroc": None}
    kept = {"scores": numbers(scores), "labels": "".join(map(str, labels)), "pixel_replicates": None}
    return {"classes": {"nut": table}, "mean": table, "evidence": {"nut": kept}, "data": {"fingerprint": "same"}}


def test_verdicts_follow_from_the_interval_and_gaps_are_told() -> None:
    assert [Effect("", 1, 0.0, *bounds).verdict for bounds in ((0.1, 1), (-1, -0.1), (0, 1), (-1, 0))] == [
        "above",
        "below",
        "contains 0",
        "contains 0",
    ]
    rows = {"better": [record(3.0)], "worse": [record(0.1)], "missing": []}
    found = {m: effects([record(1.0)], rows, m) for m in ("image_auroc", "pixel_auroc")}
    one, other = found["image_auroc"]["better"], found["image_auroc"]["worse"]
    assert one is not None
    assert other is not None
    assert (one.verdict, other.verdict) == ("above", "below")
    assert found["image_auroc"]["missing"] is None
    assert found["pixel_auroc"]["better"] is None
    table = effect_table(found["image_auroc"], "image_auroc", "not there").data.splitlines()
    assert "above" in table[2]
    assert "not there" in table[4]


def test_figures_show_what_is_there_and_say_it() -> None:
    rows = {"better": [record(3.0)], "missing": []}
    found = {m: effects([record(1.0)], rows, m) for m in ("image_auroc", "pixel_auroc")}
    figure = released.effects_figure(found)
    assert [list(trace.y) for trace in figure.data] == [["better"], []]
    assert [trace.visible for trace in figure.data] == [True, False]
    assert "better above" in figure.layout.meta["alt"]
    figure = released.epochs_figure({"seed 0": [0.5, 0.9, 0.8]})
    assert "best in epoch 2 of 3, 10.00 points" in figure.layout.meta["alt"]
    assert [trace.y[0] for trace in figure.data[1:]] == pytest.approx([80, 90])
    assert released.effects_figure({"image_auroc": {"x": None}}).layout.meta["alt"]
