"""A clock that jumps by years, either way, makes nothing be made again and nothing be taken for unfinished."""

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
    """Whoever asks for the time gets that of another decade every second time."""
    true, turns = time.time, itertools.cycle((0.0, jump))
    monkeypatch.setattr(time, "time", lambda: true() + next(turns))


def date(folder: Path, jump: float) -> None:
    """Give each file below the time that it would have had on a clock set wrong."""
    for path in folder.rglob("*"):
        os.utime(path, (path.stat().st_mtime + jump,) * 2)


@pytest.mark.usefixtures("_jumping")
def test_a_run_takes_up_what_was_made_at_another_time(
    jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path / "cache"))
    images, out = write_tiny_mvtec(tmp_path / "images", size=64), tmp_path / "out"
    first = read_results(run(TINY, data_root=images, out=out, device="cpu"))
    assert all(seconds >= 0 for seconds in first["seconds"].values())
    date(tmp_path, jump)
    monkeypatch.setattr(store.FeatureJob, "blocks", lambda _: pytest.fail("features were computed again"))
    with monkeypatch.context() as patch:
        patch.setattr(execution, "run_part", lambda *_: pytest.fail("a finished run was made again"))
        assert read_results(run(TINY, data_root=images, out=out, device="cpu")) == first
    for file in ("results.json", "scores.npz"):
        (out / file).unlink()
    assert read_results(run(TINY, data_root=images, out=out, device="cpu"))["mean"] == first["mean"]
