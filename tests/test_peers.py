"""Peers through anomalib: its models, our backbone, raw scores. Without anomalib only the refusals are tested."""

import random
import sys

import numpy as np
import pytest
import torch

from gradbook.bench.peers_agreement import Comparison, main
from gradbook.study import execution, experiment
from gradbook.study.methods import anomalib_inputs, anomalib_peers, anomalib_trained
from gradbook.study.methods.anomalib_inputs import Images, seeded
from gradbook.study.methods.anomalib_peers import fit_and_score
from gradlib.data.images import image_array
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.features.backbones import load_backbone
from gradlib.metrics.evaluation import measure

CPU = torch.device("cpu")
SIZE = 64


@pytest.fixture(scope="module")
def anomalib():
    reason = "anomalib is not installed: pip install -r requirements-results.txt"
    return pytest.importorskip("anomalib.models", reason=reason, exc_type=ImportError)


@pytest.fixture(scope="module")
def backbone():
    return load_backbone()


@pytest.fixture
def samples(tiny_mvtec):
    """All 8 training and all 8 test images of the drawn classes, both in one model."""
    dataset = load_dataset("mvtec", tiny_mvtec)
    return dataset.select(split="train"), dataset.select(split="test")


def images(samples, backbone):
    return torch.from_numpy(np.stack([image_array(s.image, SIZE, backbone.mean, backbone.std) for s in samples]))


def scored(method, samples, backbone, *, seed=0, size=SIZE, epochs=1):
    return fit_and_score(method, *samples, backbone, image_size=size, seed=seed, device=CPU, epochs=epochs)


@pytest.mark.parametrize("method", ["patchcore", "padim", "reverse_distillation"])
def test_a_peer_gives_maps_scores_and_what_it_cost(anomalib, method, samples, backbone):
    result = scored(method, samples, backbone)
    assert result.maps.shape == (8, SIZE, SIZE)
    assert result.score.shape == (8,)
    assert result.maps.isfinite().all()
    assert result.parameters > 0
    assert set(result.seconds) == {"fit", "score"}
    assert not result.maps.requires_grad
    again, other = scored(method, samples, backbone), scored(method, samples, backbone, seed=1)
    assert torch.equal(result.maps, again.maps)
    assert torch.equal(result.score, again.score)
    assert not torch.equal(result.maps, other.maps)
    metrics, _ = measure(result.maps, samples[1], SIZE, "paper", score=result.score)
    assert set(metrics) == {"gear", "nut"}


@pytest.mark.parametrize("method", ["patchcore", "padim"])
def test_scores_are_not_squashed(anomalib, method, samples, backbone):
    result = scored(method, samples, backbone)
    assert result.score.max() > 1
    assert result.maps.max() > 1


def test_patchcore_is_the_library_s_own_with_our_weights(anomalib, samples, backbone, monkeypatch):
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel

    monkeypatch.setattr(anomalib_peers, "LEAST", 1)
    ours = scored("patchcore", samples, backbone)
    with seeded(0, CPU):
        model = PatchcoreModel([2, 3], "tf_efficientnet_lite0", pre_trained=False, num_neighbors=9)
        model.feature_extractor.feature_extractor.load_state_dict(backbone.net.state_dict())
        train, test = (images(part, backbone) for part in samples)
        model.train()(train)
        model.subsample_embedding(0.01)
        with torch.inference_mode():
            theirs = model.eval()(test)
    assert ours.parameters == model.memory_bank.numel()
    torch.testing.assert_close(ours.maps, theirs.anomaly_map[:, 0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours.score, theirs.pred_score, rtol=1e-3, atol=1e-3)


def test_padim_is_the_library_s_own_with_our_weights(anomalib, samples, backbone):
    from anomalib.models.image.padim.torch_model import PadimModel

    ours = scored("padim", samples, backbone)
    with seeded(0, CPU):
        model = PadimModel("tf_efficientnet_lite0", [2, 3], pre_trained=False, n_features=100)
        model.feature_extractor.feature_extractor.load_state_dict(backbone.net.state_dict())
        train, test = (images(part, backbone) for part in samples)
        model.train()(train)
        model.fit()
        with torch.inference_mode():
            theirs = model.eval()(test)
    torch.testing.assert_close(ours.maps, theirs.anomaly_map[:, 0], rtol=1e-3, atol=1e-2)
    assert ours.parameters == 100 * 64 + 64 * 100 * 100


def test_the_core_set_is_chosen_among_a_drawn_pool(anomalib, samples, backbone, monkeypatch):
    few = scored("patchcore", samples, backbone)
    assert few.parameters == anomalib_peers.LEAST * backbone.channels  # not 1 %
    monkeypatch.setattr(anomalib_peers, "LEAST", 1)
    whole = scored("patchcore", samples, backbone)  # 8 images of 8 x 8 patches, of which 1 % are 5
    assert whole.parameters == 5 * backbone.channels
    monkeypatch.setattr(anomalib_peers, "POOL", 20)
    pooled = scored("patchcore", samples, backbone)  # among 50, 10 for each that is kept
    assert pooled.parameters == whole.parameters
    assert not torch.equal(pooled.maps, whole.maps)
    monkeypatch.setattr(anomalib_inputs, "BATCH", 3)
    torch.testing.assert_close(scored("patchcore", samples, backbone).maps, pooled.maps, rtol=1e-3, atol=1e-3)


def test_distillation_learns_to_rebuild_the_stages(anomalib, samples, backbone):
    train = samples[0], samples[0]
    untrained, trained = (scored("reverse_distillation", train, backbone, epochs=n).maps.mean() for n in (0, 10))
    assert trained < 0.5 * untrained


def test_draem_runs_and_its_margins_are_the_library_s_probabilities(anomalib, tiny_mvtec, backbone, monkeypatch):
    dataset = load_dataset("mvtec", tiny_mvtec, ["gear"])
    samples = dataset.select(split="train"), dataset.select(split="test")
    kept = []

    def margins(model, images):
        kept.append(model(images))
        return real(model, images)

    real = anomalib_trained.margins
    monkeypatch.setattr(anomalib_trained, "margins", margins)
    result = scored("draem", samples, backbone, size=32)
    assert result.maps.shape == (4, 32, 32)
    assert result.parameters > 5e7
    torch.testing.assert_close(result.maps.sigmoid(), kept[0].anomaly_map)
    torch.testing.assert_close(result.score.sigmoid(), kept[0].pred_score)


def test_images_are_those_of_the_other_methods(samples, backbone):
    train, _ = samples
    read = Images.read(train, SIZE, backbone.mean, backbone.std, CPU)
    expected = images(train, backbone)
    torch.testing.assert_close(read[torch.arange(8)], expected)
    assert [len(block) for block in read.epoch(3)] == [3, 3]
    assert [len(block) for block in read.epoch(16)] == [8]


def draws():
    return float(torch.rand(1)), np.random.random(), random.random()  # noqa: NPY002


def test_all_random_states_are_seeded_inside_and_left_as_they_were():
    random.seed(5)
    with seeded(1, CPU):
        first = draws()
    outside = draws()
    with seeded(1, CPU):
        inside = draws()
    assert first == inside  # though the states outside had moved on
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(5)
    assert draws() == outside


def test_what_cannot_be_used_is_refused(samples, backbone):
    with pytest.raises(InputError, match="choose one of patchcore, padim"):
        scored("fastflow", samples, backbone)
    with pytest.raises(InputError, match="0 training and 8 test"):
        scored("padim", ((), samples[1]), backbone)
    for method in ("reverse_distillation", "draem"):
        with pytest.raises(InputError, match="multiple of 32 pixels, not 72"):
            scored(method, samples, backbone, size=72)
    with pytest.raises(InputError, match="no independent run"):
        Comparison("draem", ".", "gear", backbone)


def test_what_only_a_method_cannot_use_is_refused(anomalib, samples, backbone):
    with pytest.raises(InputError, match="at least 2"):
        scored("padim", (samples[0][:1], samples[1]), backbone)
    deeper = load_backbone(stages=(3, 4))
    with pytest.raises(InputError, match=r"strides 8, 16 .* has \[16, 32\]"):
        scored("reverse_distillation", samples, deeper)


def test_a_missing_anomalib_is_named_with_its_remedy(samples, backbone, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "anomalib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "anomalib", None)
    for method in anomalib_peers.PEERS:
        with pytest.raises(InputError, match=r"needs anomalib.*requirements-results\.txt"):
            scored(method, samples, backbone)


def test_a_peer_refuses_a_field_that_it_does_not_have(tiny_mvtec, tmp_path):
    for method, model in (("padim", {"coreset": 0.1}), ("patchcore", {"width": 8})):
        settings = experiment.Experiment(dataset="mvtec", method=method, model=model, image_size=64)
        with pytest.raises(InputError, match=f"MODEL has no field {next(iter(model))} for {method}"):
            execution.run(settings, data_root=tiny_mvtec, out=tmp_path / method, device="cpu")


def test_the_library_s_own_engine_and_metrics_agree(anomalib, mvtec_root, backbone):
    comparison = Comparison("padim", mvtec_root, "bottle", backbone, image_size=64)
    ours, theirs = comparison.run_by_gradlib(seed=0), comparison.run_by_anomalib(seed=0)
    assert ours.image_auroc == pytest.approx(theirs.image_auroc, abs=0.01)
    assert ours.pixel_auroc == pytest.approx(theirs.pixel_auroc, abs=0.01)


def test_the_comparison_prints_both_runs_of_each_seed(anomalib, tiny_mvtec, capsys):
    settings = "--method=patchcore --category=gear --coreset=0.05 --image-size=64 --seeds 0 1"
    main([str(tiny_mvtec), *settings.split()])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = [line for line in lines if line[:1] in (["gradlib"], ["anomalib"])]
    assert [line[:2] for line in shown] == [[name, seed] for seed in "01" for name in ("gradlib", "anomalib")]
    assert all(0 <= float(value) <= 1 for line in shown for value in line[2:4])
