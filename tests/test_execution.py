"""A whole run on drawn images: what it leaves, that it is not repeated, and that it goes on after a kill."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from conftest import write_tiny_mvtec
from gradbook.study import execution
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradbook.study.methods import base, trained
from gradbook.study.record import digest, read_results, read_scores
from gradlib import checkpoint, train
from gradlib.checkpoint import load_model
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.features import backbones, cache
from gradlib.inference import distances
from gradlib.metrics.evaluation import measure
from gradlib.metrics.ranking import METRIC_NAMES

TINY = Experiment(dataset="mvtec", epochs=2, map_size=4, image_size=64)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_tiny_mvtec(tmp_path_factory.mktemp("images"), size=64)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("GRAD_RUNS", str(tmp_path_factory.getbasetemp() / "runs"))


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return run(TINY, data_root=images, out=tmp_path_factory.mktemp("run"), device="cpu")


def test_a_run_leaves_numbers_for_every_class_and_where_they_come_from(finished):
    record = read_results(finished)
    assert set(record["classes"]) == {"gear", "nut"}
    for category in ("gear", "nut"):
        assert set(record["classes"][category]) == set(METRIC_NAMES)
    for metric in METRIC_NAMES:
        values = [record["classes"][c][metric] for c in ("gear", "nut")]
        assert all(0 <= value <= 1 for value in values)
        assert record["mean"][metric] == pytest.approx(np.mean(values))
    assert record["experiment"] == TINY.settings()
    assert record["data"]["counts"] == {c: {"train": 4, "test": 4} for c in ("gear", "nut")}
    assert record["provenance"]["device"].startswith("CPU")
    assert set(record["seconds"]) == {"features", "training", "scoring", "measuring", "total"}
    assert len(record["losses"][0]) == 2
    assert record["peak_memory"]["host"] > 1e8
    assert record["digest"] == digest(record)
    assert all(0 <= share <= 1 for share in record["model"]["saturated"].values())
    assert set(record["model"]["saturated"]) == {"local", "global"}


def test_a_run_keeps_what_statistics_need(finished):
    record, scores = read_results(finished), read_scores(finished)
    for category in ("gear", "nut"):
        kept = record["evidence"][category]
        here = scores.category == category
        np.testing.assert_allclose(np.array(kept["scores"].split(), float), scores.score[here], rtol=1e-5)
        assert kept["labels"] == "".join(map(str, scores.label[here]))
        assert [kind for kind, n in kept["defects"] for _ in range(n)] == list(scores.defect[here])
        assert len(kept["pixel_replicates"].split()) == 400
        assert kept["patch_error"]["normal"] > 0


def test_the_nearest_neighbours_are_a_method_like_any_other(images, tmp_path):
    folder = run(dataclasses.replace(TINY, method="knn"), data_root=images, out=tmp_path, device="cpu")
    record = read_results(folder)
    assert record["losses"] == [[]]
    assert record["model"]["entries"] == 8 * 16
    assert 0 <= record["mean"]["image_auroc"] <= 1
    assert not list(folder.glob("model*"))


def test_uniad_trains_in_the_same_loop(images, tmp_path):
    small = {"hidden": 8, "heads": 2, "layers": 1, "feedforward": 8, "neighbour": 3}
    experiment = dataclasses.replace(TINY, method="uniad", model=small, epochs=1)
    record = read_results(run(experiment, data_root=images, out=tmp_path, device="cpu"))
    assert record["model"]["hidden"] == 8
    assert record["model"]["parameters"] > 0


def test_few_shots_are_drawn_by_the_seed_and_only_those_are_trained_on(images, tmp_path):
    few = dataclasses.replace(TINY, shots=2, epochs=1)
    dataset = load_dataset("mvtec", images)
    (part,), (again,) = (execution.split_into_parts(dataset, few) for _ in range(2))
    assert part.train == again.train
    assert [s.category for s in part.train] == ["gear", "gear", "nut", "nut"]
    draws = {execution.split_into_parts(dataset, dataclasses.replace(few, seed=seed))[0].train for seed in range(5)}
    assert len(draws) > 1
    record = read_results(run(few, data_root=images, out=tmp_path, device="cpu"))
    assert record["data"]["counts"] == {c: {"train": 2, "test": 4} for c in ("gear", "nut")}
    with pytest.raises(InputError, match="gear has 4"):
        execution.split_into_parts(dataset, dataclasses.replace(few, shots=5))


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_the_test_score_of_each_epoch_is_noted_without_changing_the_run(protocol, finished, images, tmp_path):
    watched = dataclasses.replace(TINY, by_epoch=True, protocol=protocol)
    record = read_results(run(watched, data_root=images, out=tmp_path, device="cpu"))
    assert len(record["by_epoch"][0]) == 2
    assert record["by_epoch"][0][-1] == pytest.approx(record["mean"]["image_auroc"])
    assert record["losses"] == read_results(finished)["losses"]


def test_a_score_by_epoch_needs_normal_and_defective_test_images(images):
    normal = [s for s in load_dataset("mvtec", images).select(split="test") if s.label == 0]
    part = base.Part("gear", (), tuple(normal))
    with pytest.raises(InputError, match=r"image AUROC of gear.* is undefined in every epoch.*set BY_EPOCH to False"):
        trained.auroc_after_epoch(None, part, None, TINY)


def test_the_saved_scores_and_model_give_the_recorded_metrics(finished, images):
    scores, record = read_scores(finished), read_results(finished)
    samples = load_dataset("mvtec", images).select(split="test")
    assert list(scores.image) == [s.image.relative_to(images).as_posix() for s in samples]
    metrics, score = measure(torch.from_numpy(scores.d), samples, 64, "paper")
    np.testing.assert_array_equal(score, scores.score)
    assert metrics["nut"]["aupro"].value == record["classes"]["nut"]["aupro"]
    model, settings = load_model(finished)
    assert settings["backbone"]["name"] == "tf_efficientnet_lite0"
    backbone = backbones.load_backbone(settings["backbone"]["name"])
    features = cache.cached_features(samples, backbone, image_size=64, map_size=4)
    np.testing.assert_allclose(distances(model, features).numpy(), scores.d, rtol=1e-4)


def test_a_finished_run_is_returned_as_it_is(finished, images, monkeypatch):
    monkeypatch.setattr(execution, "run_part", lambda *_: pytest.fail("trained again"))
    before = (finished / "results.json").stat().st_mtime_ns
    assert run(TINY, data_root=images, out=finished) == finished
    assert (finished / "results.json").stat().st_mtime_ns == before


def test_a_folder_with_another_run_is_refused_and_kept(finished, images):
    with pytest.raises(InputError, match="finished run with other seed"):
        run(dataclasses.replace(TINY, seed=1), data_root=images, out=finished)
    assert read_results(finished)["experiment"]["seed"] == 0


def test_a_run_killed_in_training_goes_on_to_the_same_numbers(finished, images, tmp_path, monkeypatch):
    fit = train.fit

    def killed(*args, **kwargs):
        def stop(epoch):
            if epoch:
                raise KeyboardInterrupt

        return fit(*args, **(kwargs | {"after_epoch": stop}))

    monkeypatch.setattr(trained, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        run(TINY, data_root=images, out=tmp_path, device="cpu")
    assert not (tmp_path / "results.json").exists()
    monkeypatch.setattr(trained, "fit", fit)
    run(TINY, data_root=images, out=tmp_path, device="cpu")
    resumed, whole = read_results(tmp_path), read_results(finished)
    assert resumed["classes"] == whole["classes"]
    assert resumed["losses"] == whole["losses"]
    assert list(tmp_path.glob("checkpoint*")) == []


def test_a_run_killed_in_its_last_class_trains_no_other_again(images, tmp_path, monkeypatch):
    separate = dataclasses.replace(TINY, setting="separate", by_epoch=True)
    save, trained = checkpoint.save_model, []

    def killed(path, *rest):
        save(path, *rest)
        if "nut" in path.name:
            raise KeyboardInterrupt

    monkeypatch.setattr(execution, "save_model", killed)
    with pytest.raises(KeyboardInterrupt):
        run(separate, data_root=images, out=tmp_path, device="cpu")
    monkeypatch.setattr(execution, "save_model", save)
    monkeypatch.setattr("gradlib.train.train_epoch", lambda *_: trained.append(1) or 0.0)
    record = read_results(run(separate, data_root=images, out=tmp_path, device="cpu"))
    assert trained == []
    assert [len(values) for values in record["by_epoch"]] == [2, 2]
    assert 0 < record["seconds"]["training"] <= record["seconds"]["total"]
    assert list(tmp_path.glob("checkpoint*")) == []


def test_separate_models_are_trained_on_their_class_alone(images, tmp_path):
    folder = run(dataclasses.replace(TINY, setting="separate", epochs=1), data_root=images, out=tmp_path, device="cpu")
    record = read_results(folder)
    assert sorted(path.name for path in folder.glob("model*")) == ["model-gear.safetensors", "model-nut.safetensors"]
    assert len(record["losses"]) == 2
    assert len(read_scores(folder).score) == 8


def test_raw_features_are_what_the_paper_s_presets_train_on(images, tmp_path):
    folder = run(dataclasses.replace(TINY, preset="crad-s", epochs=1), data_root=images, out=tmp_path, device="cpu")
    model, _ = load_model(folder)
    assert not model.config.standardise
    assert model.feature_std.eq(1).all()


def test_without_an_out_the_folder_is_named_after_settings_and_code(images):
    folder = TINY.default_folder()
    assert folder != dataclasses.replace(TINY, seed=1).default_folder()
    assert folder.name.startswith("mvtec-unified-lite-seed0-")


def test_missing_masks_leave_pixel_metrics_undefined_with_a_reason(tmp_path):
    root = write_tiny_mvtec(tmp_path / "mine", ("photos",), size=64)
    (root / "photos" / "ground_truth" / "crack" / "001_mask.png").unlink()
    experiment = dataclasses.replace(TINY, dataset="folder", epochs=1)
    with pytest.warns(UserWarning, match=r"have no mask .*001\.png"):
        folder = run(experiment, data_root=root, out=tmp_path / "out", device="cpu")
    record = read_results(folder)
    assert record["classes"]["photos"]["pixel_auroc"] is None
    assert record["classes"]["photos"]["image_auroc"] is not None
    assert "mask" in record["undefined"]["photos"]["pixel_auroc"]
    assert record["mean"]["pixel_auroc"] is None


def without_test_images(root):
    for path in (root / "photos" / "test").rglob("*.png"):
        path.unlink()
    return root


def test_own_photographs_need_only_good_ones(tmp_path):
    root = without_test_images(write_tiny_mvtec(tmp_path / "mine", ("photos",), size=64))
    own = dataclasses.replace(TINY, dataset="folder", epochs=1)
    folder = run(own, data_root=root, device="cpu")
    record, found = read_results(folder), read_scores(folder)
    assert record["data"]["counts"] == {"photos": {"train": 2, "test": 2}}
    assert found.label.tolist() == [0, 0]
    assert found.image[0].startswith("photos/train/good/")
    assert set(record["classes"]["photos"].values()) == {None}
    (root / "photos" / "train" / "good" / "000.png").unlink()
    assert run(own, data_root=root, device="cpu") != folder, "another folder's run was met"


def test_a_published_class_without_test_images_is_refused(images):
    dataset = load_dataset("mvtec", images)
    with pytest.raises(InputError, match="no test image of gear, nut"):
        execution.split_into_parts(dataset.select(split="train"), TINY)


TWO_PROCESSES = """
import sys
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
tiny = Experiment(dataset="mvtec", epochs=1, map_size=4, image_size=64)
run(tiny, data_root=sys.argv[1], out=sys.argv[2], device="cpu")
"""


def test_two_processes_of_torchrun_train_one_model(finished, images, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", str(script)]
    answer = subprocess.run(
        [*command, str(images), str(tmp_path / "out")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GRAD_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    record = read_results(tmp_path / "out")
    assert record["processes"] == 2
    assert record["classes"].keys() == read_results(finished)["classes"].keys()
