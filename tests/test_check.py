"""The checker of records: it passes a whole one, names each kind of fault, and makes a run anew."""

import json

import numpy as np
import pytest
import yaml

from conftest import write_tiny_mvtec
from gradbook.paths import repository
from gradbook.study.check import EXACT, check_all, check_record, differing_results, main, ties
from gradbook.study.execution import run
from gradbook.study.plan import read_plan
from gradbook.study.provenance import PACKAGES
from gradbook.study.record import SCHEMA, digest, write_json
from gradbook.study.runs import record_run
from gradlib.errors import InputError

NAME = "tiny-nut-seed0"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A folder with a plan of one tiny run, its record, and the environment that names them."""
    folder = tmp_path_factory.mktemp("ledger")
    write_tiny_mvtec(folder / "images", size=64)
    data = {"dataset": "mvtec", "categories": ["gear", "nut"], "map_size": 4, "image_size": 64, "epochs": 2}
    group = {"title": "Tiny", "data": "tiny", "rows": {"nut": {}, "other": {"epochs": 1}}}
    plan = {"defaults": {"seeds": [0]}, "data": {"tiny": data}, "groups": {"tiny": group}}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    with pytest.MonkeyPatch.context() as patch:
        for name, place in {"PLAN": "plan.yaml", "RESULTS": "results", "RUNS": "runs", "MVTEC": "images"}.items():
            patch.setenv(f"GRAD_{name}", str(folder / place))
        patch.setenv("GRAD_CACHE", str(folder / "cache"))
        planned = read_plan()[NAME]
        run(planned.experiment, data_root=folder / "images", out=planned.folder(), device="cpu")
        record_run(planned)
        record = json.loads(planned.record().read_text())
        record["provenance"] |= {"uncommitted_changes": False, "commit": "0" * 40}  # the tests' checkout may be neither
        write_json(planned.record(), record)
        yield folder


@pytest.fixture
def changed(ledger, tmp_path):
    """A function: the faults of the record after a change, sealed anew as by somebody who knows how."""

    def faults(change, *, seal=True, name=NAME):
        record = json.loads((ledger / "results" / f"{NAME}.json").read_text())
        change(record)
        if seal:
            record["digest"] = digest(record)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(record))
        return check_record(path, read_plan())

    return faults


def test_every_committed_record_is_whole():
    data = repository() / "data"
    faults = check_all(data / "results", read_plan(data / "plan.yaml"))
    assert not faults, "\n".join(faults)


def test_other_measurements_are_sealed_too(tmp_path):
    path = tmp_path / "cost" / "cost.json"
    path.parent.mkdir()
    write_json(path, {"seconds": 1.25})
    assert check_all(tmp_path, {}) == []
    path.write_text(path.read_text().replace("1.25", "1.24"))
    assert check_all(tmp_path, {}) == ["cost/cost.json is damaged or was changed after it was written."]
    path.write_text("{")
    assert len(check_all(tmp_path, {})) == 1
    with pytest.raises(InputError, match=r"no folder .*missing"):
        check_all(tmp_path / "missing", {})


def test_a_whole_record_has_no_fault(ledger):
    assert check_all(ledger / "results", read_plan()) == []


def test_a_changed_digit_anywhere_is_found(changed):
    def digit(record):
        record["losses"][0][1] += 1e-6

    (fault,) = changed(digit, seal=False)
    assert fault == f"{NAME}.json has a digest that does not fit its content: it was changed after it was written."


def test_a_foreign_name_is_found(changed):
    (fault,) = changed(lambda record: None, name="my-best-run")
    assert "my-best-run.json belongs to no run" in fault


def test_settings_of_another_run_are_found(changed):
    faults = changed(lambda record: None, name="tiny-other-seed0")
    assert len(faults) == 2
    assert all("other epochs" in fault for fault in faults)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r.pop("evidence"), "'evidence' is a required property"),
        (lambda r: r["provenance"].pop("threads"), "at $.provenance: 'threads' is a required"),
        (lambda r: r["provenance"]["versions"].pop("torch"), "'torch' is a required property"),
        (lambda r: r["classes"]["nut"].update(aupro=1.5), "1.5 is greater than the maximum"),
        (lambda r: r.update(praise="good"), "'praise' was unexpected"),
        (lambda r: r.update(schema=1), f"not a record of schema {SCHEMA}"),
    ],
)
def test_a_missing_or_strange_field_is_found(changed, change, reason):
    (fault,) = changed(change)
    assert reason in fault


def test_a_wrong_mean_is_found(changed):
    (fault,) = changed(lambda record: record["mean"].update(pixel_auroc=0.99))
    assert "states a mean pixel_auroc of 0.99, but its categories give" in fault


def test_an_auroc_that_its_own_scores_do_not_give_is_found(changed):
    def better(record):
        table = {**record["classes"]["nut"], "image_auroc": 0.123}
        record["classes"]["nut"] = table
        record["mean"]["image_auroc"] = (record["classes"]["gear"]["image_auroc"] + 0.123) / 2

    (fault,) = changed(better)
    assert "states an image AUROC of nut of 0.123, but its scores give" in fault


def test_evidence_that_does_not_fit_the_test_images_is_found(changed):
    (fault,) = changed(lambda record: record["evidence"]["nut"].update(labels="01"))
    assert "for each test image of nut" in fault
    (fault,) = changed(lambda record: record["evidence"].pop("gear"))
    assert "different categories" in fault


def test_uncommitted_changes_and_no_commit_are_found(changed):
    (fault,) = changed(lambda record: record["provenance"].update(uncommitted_changes=True))
    assert "made with uncommitted changes" in fault
    (fault,) = changed(lambda record: record["provenance"].update(commit=None))
    assert "names no commit" in fault


@pytest.mark.parametrize("text", ["{", '{"schema": NaN}'])
def test_what_is_no_json_is_found(tmp_path, text):
    (tmp_path / "broken.json").write_text(text)
    (fault,) = check_all(tmp_path, {})
    assert "broken.json cannot be read as JSON" in fault


def test_the_schema_asks_for_what_the_library_writes():
    schema = json.loads((repository() / "data" / "results.schema.json").read_text())
    assert schema["properties"]["schema"]["const"] == SCHEMA
    assert schema["$defs"]["provenance"]["properties"]["versions"]["required"] == list(PACKAGES)


def test_rounded_scores_excuse_no_more_than_the_pairs_they_made_equal():
    scores, labels = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 0, 1, 1])
    assert ties(scores, labels) == pytest.approx(1 / 8)
    assert ties(scores[:2], labels[:2]) < 1e-8


def test_a_run_drawn_by_a_seed_comes_out_again(ledger, capsys):
    assert main(["--recompute", "random", "--seed", "1", "--tolerance", str(EXACT)]) == 0
    said = capsys.readouterr().out
    assert "1 records" in said
    assert f"Selected by --seed 1: {NAME}" in said
    assert "was reproduced exactly" in said


def test_a_run_that_comes_out_otherwise_is_a_fault():
    table = {"image_auroc": 0.9, "pixel_auroc": None}
    then = {"data": {"fingerprint": "a"}, "classes": {"nut": table}}
    now = {"data": {"fingerprint": "a"}, "classes": {"nut": {"image_auroc": 0.903, "pixel_auroc": None}}}
    assert differing_results("r", then, now, 0.005) == []
    (fault,) = differing_results("r", then, now, EXACT)
    assert "r records 0.9 as image_auroc of nut, but the new run gives 0.903" in fault
    now["classes"]["nut"]["pixel_auroc"] = 0.5
    assert len(differing_results("r", then, now, 0.005)) == 1
    assert "other images" in differing_results("r", then, now | {"data": {"fingerprint": "b"}}, 1.0)[0]


def test_the_command_line_names_faults_and_what_cannot_be_made(ledger, monkeypatch, capsys):
    assert main(["--recompute", "nonsense"]) == 1
    assert 'no run "nonsense"' in capsys.readouterr().err
    assert main(["--recompute", "tiny-other-seed0"]) == 1
    assert "no results at" in capsys.readouterr().err
    monkeypatch.delenv("GRAD_MVTEC")
    assert main(["--recompute", NAME]) == 1
    assert "without data" in capsys.readouterr().err
    assert main(["--recompute", "random"]) == 0
    assert "No recorded run can be made here" in capsys.readouterr().out
    monkeypatch.setenv("GRAD_PLAN", str(repository() / "data" / "plan.yaml"))
    assert main([]) == 1
    assert "belongs to no run" in capsys.readouterr().err
