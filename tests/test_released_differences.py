"""The differences between paper and program: every name in them exists, and the tables say what the rows say."""

import json
from dataclasses import fields, is_dataclass, replace

import pytest

from gradbook.paths import repository
from gradbook.plots import released
from gradbook.study.plan import read_plan
from gradbook.study.released_differences import (
    PARTS,
    Difference,
    as_code,
    count_recorded,
    difference_table,
    measured_in,
    read_differences,
    resolve,
)
from gradlib.config import RELEASED, TrainConfig
from gradlib.errors import InputError
from gradlib.presets import PRESETS
from pages import labels

ROWS = read_differences()


def settings_of(owner: str) -> dict[str, object]:
    """The values that the rows set in a configuration, by field."""
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
    """What the rows say does as released is what `gradlib.deploy.released` builds, and no field of it is forgotten."""
    switched = settings_of("gradlib.config.GradConfig.")
    default = type(RELEASED)()
    departures = {f.name for f in fields(RELEASED) if getattr(RELEASED, f.name) != getattr(default, f.name)}
    assert departures <= set(switched)
    for name in departures:
        assert switched[name] == getattr(RELEASED, name), name


def test_switches_of_training_are_those_of_the_preset_of_the_final_release() -> None:
    switched = settings_of("gradlib.config.TrainConfig.")
    crad = PRESETS["crad"].training
    for name in ("epochs", "drops", "clip_norm", "batch_size", "lr_nets", "lr_grids", "weight_decay"):
        value = tuple(switched[name]) if name == "drops" else switched[name]
        assert replace(TrainConfig(), **{name: value}) == replace(TrainConfig(), **{name: getattr(crad, name)})


def test_a_name_is_a_field_an_object_or_a_parameter() -> None:
    assert resolve("gradlib.config.GradConfig.jitter_per").default == "pixel"
    assert is_dataclass(resolve("gradlib.config.GradConfig"))
    assert resolve("gradlib.scores.anomaly_map(protocol)").default == "paper"
    for wrong in ("gradlib.config.GradConfig.jitters", "gradlib.scores.anomaly_map(smooth)", "nonsense.at.all", "grid"):
        with pytest.raises(InputError, match="does not exist"):
            resolve(wrong)


def test_names_stand_in_tables_as_python_writes_them() -> None:
    assert as_code("gradlib.config.GradConfig.jitter_per", "batch") == "`GradConfig.jitter_per` = batch"
    assert as_code("gradlib.scores.anomaly_map(protocol)", "released") == "`anomaly_map(protocol)` = released"
    assert as_code("gradlib.train.fit(checkpoint)", None) == "`fit(checkpoint)`"
    assert as_code("gradlib.grids.interpolate", None) == "`interpolate`"


def test_a_table_has_a_line_for_each_row_and_says_what_is_planned() -> None:
    recorded = count_recorded(ROWS)
    for part in PARTS:
        lines = difference_table(ROWS, part, recorded).data.splitlines()[2:]
        assert len(lines) == sum(row.part == part for row in ROWS)
        assert all(line.count(" | ") == 3 for line in lines)
    row = Difference("x", "model", "t", "p", "f", "o", final="g", on_page=True, chapters=["ch-a"], runs=["a/b", "c/d"])
    assert row.released() == "first: f; final: g"
    assert measured_in(row, {"a/b": 3}) == "below; {ref}`ch-a`; `a/b`, 3 runs; `c/d`, planned"
    assert measured_in(Difference("x", "model", "t", "p", "f", "o", unmeasured="why"), {}) == "no: why"


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


def test_the_figure_of_epochs_marks_the_last_and_the_best() -> None:
    figure = released.scores_by_epoch({"seed 0": [0.5, 0.9, 0.8]})
    assert "best in epoch 2 of 3, 10.00 points" in figure.layout.meta["alt"]
    assert [trace.y[0] for trace in figure.data[1:]] == pytest.approx([80, 90])
