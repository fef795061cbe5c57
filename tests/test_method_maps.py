"""Maps of several methods side by side: evenly spaced images, read as written, refused if damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradbook.paths import results_folder
from gradbook.plots.detector import maps_of_methods
from gradbook.study import method_maps
from gradbook.study.record import Scores, write_json
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError

LABEL = np.repeat([0, 1], [6, 20])
MAPS = results_folder() / "maps" / "elpv.json"


def scores(seed: int) -> Scores:
    d = np.random.default_rng(seed).random((26, 3, 4)).astype(np.float32)
    names = np.array([f"{i}.png" for i in range(26)])
    return Scores(names, np.full(26, "a"), np.full(26, "b"), LABEL, d.max(axis=(1, 2)), d)


def test_images_are_anomalous_and_evenly_spaced() -> None:
    rows = method_maps.evenly_spaced(LABEL, 4)
    assert rows.tolist() == [8, 13, 18, 23]
    assert LABEL[rows].all()


def test_maps_are_read_as_they_were_written(tmp_path: Path) -> None:
    runs = {"one": scores(1), "two": scores(2)}
    write_json(tmp_path / "maps.json", method_maps.maps_of_runs(runs, 4))
    maps = method_maps.read_method_maps(tmp_path / "maps.json")
    assert maps.images == ["8.png", "13.png", "18.png", "23.png"]
    for name, run in runs.items():
        np.testing.assert_allclose(maps.d[name], run.d[[8, 13, 18, 23]], atol=6e-4)
        assert maps.normal_top[name] == pytest.approx(run.d[:6].max(), abs=6e-4)


def test_runs_on_other_images_are_refused() -> None:
    other = scores(2)
    other.image[0] = "another.png"
    with pytest.raises(InputError, match="two scored other images"):
        method_maps.maps_of_runs({"one": scores(1), "two": other}, 4)


@pytest.mark.parametrize("damage", [lambda text: text.replace("0.", "1.", 1), lambda text: text[:40], None])
def test_a_damaged_file_is_refused(damage, tmp_path: Path) -> None:
    path = tmp_path / "maps.json"
    if damage:
        write_json(path, method_maps.maps_of_runs({"one": scores(1)}, 4))
        path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match=r"gradbook\.study\.method_maps"):
        method_maps.read_method_maps(path)


def test_the_committed_maps_are_of_the_plan_s_runs_and_can_be_drawn() -> None:
    maps = method_maps.read_method_maps()
    assert {name: run["run"] for name, run in json.loads(MAPS.read_text())["runs"].items()} == method_maps.RUNS
    figure = maps_of_methods(maps, load_dataset("elpv").root)
    assert len(figure.axes) == len(maps.images) * (1 + len(method_maps.RUNS))
