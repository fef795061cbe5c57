"""The engine of all runs: what it would make, with which resources, and that a kill or a failure costs nothing made."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import papermill
import pytest
import yaml
from filelock import FileLock
from snakemake import cli as snakemake

from conftest import write_tiny_mvtec
from gradbook.paths import repository
from gradbook.study.plan import chapter_parameters, read_plan
from gradbook.study.record import read_results, write_json
from gradbook.study.runs import main, make_notebook, record_run

ROOT = repository()
SNAKEFILE = ("--snakefile", str(ROOT / "Snakefile"))
EPOCHS = 120  # of the run that is killed: some seconds, far more than it takes to notice its first checkpoint


@pytest.fixture
def dry_run(tmp_path, monkeypatch, capsys):
    """A function: the jobs that Snakemake would start with these arguments, by name, each as its lines."""
    for name in ("GRAD_PLAN", "GRAD_RESULTS", "GRAD_RUNS", "GRAD_MVTEC", "GRAD_VISA"):
        monkeypatch.delenv(name, raising=False)

    def jobs(*arguments):
        with pytest.raises(SystemExit) as ended:  # in this process, which has imported what a plan needs
            snakemake.main(["--dry-run", *SNAKEFILE, "--directory", str(tmp_path), *arguments])
        words = "".join(capsys.readouterr())
        assert ended.value.code == 0, words
        blocks = re.split(r"^rule ", words, flags=re.MULTILINE)
        return {found[1]: block for block in blocks if (found := re.search(r"wildcards: name=(\S+)", block))}

    return jobs


def test_the_dry_run_lists_every_run_that_has_no_record(dry_run):
    jobs = dry_run()
    planned = read_plan()
    assert jobs.keys() == {name for name, run in planned.items() if not run.record().exists()}
    full = [run for run in planned.values() if "gpu" in run.needs and run.experiment.backbone == "tf_efficientnet_b4"]
    assert {run.table for run in full} == {"1", "2-3", "4", "5", "6", "7", "8", "9"}
    assert {(run.experiment.dataset, len(run.experiment.categories)) for run in full} == {("mvtec", 15), ("visa", 12)}
    assert set(Counter((run.group, run.row) for run in planned.values()).values()) == {3}


@pytest.mark.parametrize("year", [1990, 2100])
def test_the_time_of_a_record_does_not_matter(dry_run, tmp_path, monkeypatch, year):
    recorded = [run.record() for run in read_plan().values() if run.record().exists()]
    assert recorded
    for record in recorded:
        copy = shutil.copyfile(record, tmp_path / record.name)
        os.utime(copy, (datetime(year, 1, 1, tzinfo=UTC).timestamp(),) * 2)
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path))
    assert dry_run().keys() == read_plan().keys() - {record.stem for record in recorded}


def test_on_a_cluster_the_full_size_runs_and_only_they_get_a_gpu(dry_run):
    # a dry run counts as local and cuts a job's threads to the cores that it is told of, one by default
    jobs = dry_run("--profile", str(ROOT / "profiles" / "slurm"), "--cores", "8")
    for name, run in read_plan().items():
        if name in jobs:
            assert f"gpu={int('gpu' in run.needs)}," in jobs[name]
            assert ("threads: 8" in jobs[name]) == ("gpu" in run.needs)
    assert "mem_mb=48000" in jobs["unified-grad-seed0"]


def test_the_chapter_has_every_parameter_that_the_plan_sets():
    inspected = papermill.inspect_notebook(ROOT / "book" / "09_training.ipynb")
    planned = next(iter(read_plan().values()))
    assert set(chapter_parameters(planned)) <= set(inspected)


def test_another_run_s_results_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path / "results"))
    planned = read_plan()["parts-full-seed0"]
    planned.folder().mkdir(parents=True)
    settings = planned.experiment.settings()
    write_json(planned.folder() / "results.json", {"schema": 2, "experiment": settings | {"method": "knn"}})
    with pytest.raises(Exception, match="other method than parts-full-seed0"):
        record_run(planned)
    assert not planned.record().exists()
    write_json(planned.folder() / "results.json", {"schema": 2, "experiment": settings})
    record_run(planned)
    assert read_results(planned.record())["experiment"] == settings


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """A planned run whose chapter is executed by nobody: its results are there at once."""
    monkeypatch.setenv("GRAD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GRAD_RESULTS", str(tmp_path / "results"))
    planned = read_plan()["parts-full-seed0"]
    results = {"schema": 2, "experiment": planned.experiment.settings()}
    monkeypatch.setattr(
        papermill, "execute_notebook", lambda *_, **__: write_json(planned.folder() / "results.json", results)
    )
    return planned


def test_a_run_waits_for_a_process_that_is_still_at_it(pretended):
    pretended.folder().mkdir(parents=True)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(pretended.folder() / "lock"):
            outcome = pool.submit(make_notebook, pretended)
            time.sleep(0.3)
            assert not outcome.done()
            assert not pretended.record().exists()
        assert outcome.result(timeout=10) == "made"
    assert pretended.record().exists()


def test_a_run_whose_chapter_fails_names_its_notebook(pretended, monkeypatch, capsys):
    def fails(*_, **__):
        raise papermill.PapermillExecutionError(5, 3, "source", "InputError", "no such class", [])

    monkeypatch.setattr(papermill, "execute_notebook", fails)
    assert main(["notebook", pretended.name]) == 1
    assert f"see {pretended.notebook()}: InputError: no such class" in capsys.readouterr().out
    assert not pretended.record().exists()


def test_one_run_is_asked_for_by_its_whole_name(capsys):
    assert main(["notebook", "parts"]) == 2
    assert 'no run "parts"' in capsys.readouterr().err


# --- a smoke set of three tiny runs, made by papermill for real ------------------------------------------------------


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A plan of three runs, the images of two of them, and the environment that names all folders."""
    folder = tmp_path_factory.mktemp("smoke")
    write_tiny_mvtec(folder / "images", size=64)
    tiny = {"dataset": "mvtec", "map_size": 4, "epochs": 2}
    rows = {
        "absent": {"categories": ["bolt"]},
        "short": {"categories": ["gear"]},
        "long": {"categories": ["nut"], "epochs": EPOCHS},
    }
    group = {"title": "Smoke", "data": "tiny", "rows": rows}
    plan = {"defaults": {"seeds": [0]}, "data": {"tiny": tiny}, "groups": {"smoke": group}}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        for name, place in {"PLAN": "plan.yaml", "RESULTS": "results", "RUNS": "runs", "MVTEC": "images"}.items():
            patch.setenv(f"GRAD_{name}", str(folder / place))
        patch.setenv("GRAD_CACHE", str(folder / "cache"))
        yield folder


def start(folder, *arguments):
    """Snakemake in a process group of its own, its words in a file."""
    words = (folder / "words.txt").open("a")
    command = [sys.executable, "-m", "snakemake", *SNAKEFILE, "--directory", str(folder), *arguments]
    return subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT, start_new_session=True)


def wait_for(path, process, seconds=900):
    until = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, (path.parents[2] / "words.txt").read_text()
        assert time.monotonic() < until, f"there is no {path} after {seconds} s"
        time.sleep(0.02)


def test_a_kill_and_a_failing_run_cost_no_finished_one(smoke):
    absent, short, long = read_plan().values()
    records = {run.row: str(run.record().relative_to(smoke)) for run in (absent, short, long)}
    first = start(smoke, "--cores=1", "--prioritize", records["absent"], records["short"])
    try:
        wait_for(long.folder() / "checkpoint-all.safetensors", first)
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    assert not long.record().exists(), (smoke / "words.txt").read_text()
    before = short.record().stat().st_mtime_ns  # made after `absent` failed, which therefore stopped nothing

    report = absent.notebook().read_text()
    assert "InputError" in report
    assert "bolt" in report
    assert not absent.record().exists()

    again = start(smoke, "--cores=1", records["short"], records["long"])
    assert again.wait(timeout=900) == 0, (smoke / "words.txt").read_text()
    assert short.record().stat().st_mtime_ns == before
    assert len(read_results(long.record())["losses"][0]) == EPOCHS
    bars = re.findall(rf"(\d+)/{EPOCHS} \[00:00", long.notebook().read_text())
    assert int(bars[0]) > 0, "it went on from its checkpoint"
