"""The plan of all runs: complete, free of doubles, and made by one command."""

import json
import os
from collections import Counter

import pytest
import torch
import yaml

from conftest import write_tiny_mvtec
from gradbook.study import runs
from gradbook.study.needs import missing
from gradbook.study.plan import read_plan, select
from gradbook.study.runs import main, make_all
from gradlib.errors import InputError


@pytest.fixture(scope="module")
def plan():
    return read_plan()


def test_every_table_of_the_paper_is_planned_with_three_seeds(plan):
    assert {p.table for p in plan.values()} >= {"1", "2-3", "4", "5", "6", "7", "8", "9"}
    seeds = Counter((p.group, p.row) for p in plan.values())
    assert set(seeds.values()) == {3}


def test_the_paper_s_own_size_is_planned_for_all_classes(plan):
    full = [p for p in plan.values() if p.experiment.backbone == "tf_efficientnet_b4"]
    assert {p.table for p in full} >= {"1", "2-3", "4", "5", "6", "7", "8", "9"}
    assert {len(p.experiment.categories) for p in full} == {12, 15}
    assert all("gpu" in p.needs for p in full)


def test_no_two_runs_are_the_same(plan):
    settings = Counter(json.dumps(p.experiment.settings(), sort_keys=True) for p in plan.values())
    doubles = [s for s, n in settings.items() if n > 1]
    names = [p.name for p in plan.values() if json.dumps(p.experiment.settings(), sort_keys=True) in doubles]
    assert names == []


def test_a_row_adds_to_the_changes_of_its_group(plan):
    run = plan["memories-local-vq-256-seed1"].experiment
    assert run.model == {
        "memory_start": "features",
        "jitter_std": 0.0,
        "lambda_mse": 0.0,
        "lambda_cos": 0.0,
        "global_memory": "none",
        "local_memory": "vq",
        "local_entries": 256,
    }
    assert (run.seed, run.epochs, run.categories) == (1, 20, ("bottle", "transistor"))


def test_what_a_run_lacks_is_said(plan, monkeypatch, tmp_path):
    monkeypatch.delenv("GRAD_MVTEC", raising=False)
    assert missing(plan["parts-full-seed0"]) == ("data",)
    assert "GPU" in missing(plan["unified-grad-seed0"]) or torch.cuda.is_available()
    monkeypatch.setenv("GRAD_MVTEC", str(write_tiny_mvtec(tmp_path, ("bottle", "transistor"), size=64)))
    assert missing(plan["parts-full-seed0"]) == ()
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("GRAD_MVTEC", f"~/{tmp_path.name}")
    assert missing(plan["parts-full-seed0"]) == ()
    assert "data" in missing(plan["unified-grad-seed0"])
    assert missing(plan["grad-elpv-unified-seed0"]) == ()


def test_runs_are_chosen_by_the_beginning_of_their_names(plan):
    assert len(select(plan, ["parts"])) == 3 * (5 + 5 + 4)  # with parts-synthetic and parts-full
    assert [p.name for p in select(plan, ["memories-local-vq-64-seed2"])] == ["memories-local-vq-64-seed2"]
    with pytest.raises(InputError, match=r"no run \"nonsense\".*memories"):
        select(plan, ["nonsense"])


def test_without_a_process_nothing_can_be_made(capsys):
    assert main(["run", "parts", "--workers", "0"]) == 2
    assert "give --workers 1 or more" in capsys.readouterr().err


def test_missing_runs_are_made_finished_ones_left_and_failures_kept(tmp_path, monkeypatch, capsys):
    write_tiny_mvtec(tmp_path / "images", size=64)
    for name, value in (("GRAD_CACHE", "cache"), ("GRAD_RUNS", "runs"), ("GRAD_MVTEC", "images")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path / "results"))
    group = {"title": "t", "data": "tiny", "rows": {"good": {}, "bad": {"model": {"depth": 3}}}}
    tiny = {"dataset": "mvtec", "categories": ["nut"], "epochs": 1, "map_size": 4, "image_size": 64}
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump({"defaults": {"seeds": [0]}, "data": {"tiny": tiny}, "groups": {"g": group}}))
    plan = read_plan(path)
    monkeypatch.setattr(runs, "ProcessPoolExecutor", InThisProcess)
    assert make_all(list(plan.values()), 2) == 1
    record = tmp_path / "results" / "g-good-seed0.json"
    before = record.stat().st_mtime_ns
    assert "depth" in (tmp_path / "runs" / "g-bad-seed0" / "failed.txt").read_text()
    assert make_all(list(plan.values()), 2) == 1
    assert record.stat().st_mtime_ns == before
    assert "1 of 2 runs are recorded" in capsys.readouterr().out


def vanishes(planned, device):
    os._exit(9)  # as when the system takes a process's memory back


def test_a_run_whose_process_ends_is_a_failure_and_not_the_end_of_all(plan, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path))
    monkeypatch.setattr(runs, "make", vanishes)
    assert make_all(list(plan.values())[:3], 1) == 3
    assert capsys.readouterr().out.count("its process ended") == 3


class InThisProcess:
    """Stands for the pool of processes, which would not see the patches above."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(function(*arguments))
        return future


def test_a_file_that_is_no_plan_is_refused(tmp_path):
    (tmp_path / "plan.yaml").write_text("groups: 3")
    with pytest.raises(InputError, match=r"plan\.yaml is not a plan"):
        read_plan(tmp_path / "plan.yaml")


def test_the_command_line_lists_and_refuses(capsys):
    assert main(["list"]) == 0
    assert "parts-full-seed0: " in capsys.readouterr().out
    assert main(["run", "nonsense"]) == 2
    assert "no run" in capsys.readouterr().err
