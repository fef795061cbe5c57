"""A clock that jumps by years, back or forth, causes no work twice, and no finished run to count as unfinished."""

import itertools
import os
import time
from pathlib import Path

import pytest

from conftest import write_tiny_mvtec
from gradbook.study import execution
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradbook.study.record import read_results
from gradlib.features import store

YEARS = 20 * 365 * 86_400.0
TINY = Experiment(dataset="mvtec", categories=("gear",), image_size=64, map_size=4, epochs=2)


@pytest.fixture(params=[-YEARS, YEARS], ids=["back", "forth"])
def jump(request: pytest.FixtureRequest) -> float:
    return request.param


@pytest.fixture
def _jumping(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second call of time.time is wrong by `jump` seconds."""
    true, turns = time.time, itertools.cycle((0.0, jump))
    monkeypatch.setattr(time, "time", lambda: true() + next(turns))


def shift_times(folder: Path, jump: float) -> None:
    """Shift the modification time of each file below `folder`, as by a wrong clock."""
    for path in folder.rglob("*"):
        os.utime(path, (path.stat().st_mtime + jump,) * 2)


@pytest.mark.usefixtures("_jumping")
def test_a_run_reuses_what_was_made_at_another_time(
    jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path / "cache"))
    images, out = write_tiny_mvtec(tmp_path / "images", size=64), tmp_path / "out"
    first = read_results(run(TINY, data_root=images, out=out, device="cpu"))
    assert all(seconds >= 0 for seconds in first["seconds"].values())
    shift_times(tmp_path, jump)
    monkeypatch.setattr(store.FeatureJob, "blocks", lambda _: pytest.fail("features were computed twice"))
    with monkeypatch.context() as patch:
        patch.setattr(execution, "run_part", lambda *_: pytest.fail("a finished run was repeated"))
        assert read_results(run(TINY, data_root=images, out=out, device="cpu")) == first
    for file in ("results.json", "scores.npz"):
        (out / file).unlink()
    assert read_results(run(TINY, data_root=images, out=out, device="cpu"))["mean"] == first["mean"]
