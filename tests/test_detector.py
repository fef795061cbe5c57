"""The detector as one network: its parts agree with the library's, and its ONNX file with it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gradlib.checkpoint import save_model
from gradlib.data.images import image_array, squash
from gradlib.data.samples import Dataset
from gradlib.deploy import detector as detector_module
from gradlib.deploy.detector import OUTPUTS, Detector, detector_of_run, write_detector
from gradlib.deploy.onnx_file import largest_difference
from gradlib.deploy.onnx_session import open_session
from gradlib.errors import InputError
from gradlib.model import GRAD
from gradlib.scores import anomaly_map, image_score
from networks import H, S, small_detector


@pytest.fixture(scope="module")
def detector() -> Detector:
    return small_detector()


@pytest.fixture(scope="module")
def written(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "detector.onnx"
    return write_detector(detector, path, threshold=1.5, threshold_from="nothing")


def pixels(seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (1, 3, S, S)).astype(np.float32))


def test_answer_is_that_of_the_parts(detector: Detector, tmp_path: Path) -> None:
    file = tmp_path / "photograph.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(file)
    answer = detector.answer(torch.from_numpy(squash(Image.open(file), S)))
    backbone = detector.backbone
    x = backbone.features(torch.from_numpy(image_array(file, S, backbone.mean, backbone.std))[None], H)
    with torch.inference_mode():
        output = detector.model(x)
    maps = anomaly_map(output.error, S)
    torch.testing.assert_close(answer.map, maps, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(answer.score, image_score(maps), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(answer.local, output.local_coordinates, rtol=1e-4, atol=1e-4)
    assert answer.picture.shape == (1, 3, 8 * H, 8 * H)


def test_file_answers_as_the_module(detector: Detector, written: Path) -> None:
    assert max(largest_difference(written, detector, [pixels(seed)]) for seed in range(4)) < 1e-4
    session = open_session(written)
    assert [node.name for node in session.get_outputs()] == list(OUTPUTS)
    metadata = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    assert (metadata["threshold"], metadata["threshold_from"], metadata["image_size"]) == (1.5, "nothing", S)
    assert metadata["backbone"]["name"] == "tf_efficientnet_lite0"
    assert "bilinear" in metadata["preprocessing"]


def test_other_shapes_are_refused(detector: Detector) -> None:
    with pytest.raises(InputError, match=r"\(1, 3, 32, 32\) do not fit: give \(B, 3, 64, 64\)"):
        detector.answer(torch.zeros(1, 3, 32, 32))


def test_detector_of_a_run(detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_module, "decoder_of_run", lambda folder, dataset: detector.decoder)
    monkeypatch.setattr(detector_module, "backbone_of_run", lambda settings: detector.backbone)
    settings = {"backbone": detector.backbone.identity(), "experiment": {"image_size": S}}
    save_model(tmp_path / "model.safetensors", detector.model, settings)
    again, nothing = detector_of_run(tmp_path, Dataset("elpv", tmp_path, ())), pixels(0)
    torch.testing.assert_close(again.answer(nothing), detector.answer(nothing))
    without = replace(detector.model.config, local_memory="none")
    save_model(tmp_path / "model.safetensors", GRAD(without), settings)
    with pytest.raises(InputError, match="no local grid with two axes"):
        detector_of_run(tmp_path, Dataset("elpv", tmp_path, ()))
