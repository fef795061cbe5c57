"""The decoder learns to draw what features show, once a run, and the same from the same seed."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from conftest import write_tiny_mvtec
from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradlib.checkpoint import save_tensors
from gradlib.data.readers import load_dataset
from gradlib.deploy.decoder import FILE, Decoder, decoder_of_run, image_size_of, train_decoder
from gradlib.errors import InputError

TINY = Experiment(dataset="mvtec", epochs=1, map_size=4, image_size=64)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path / "cache"))
    images = write_tiny_mvtec(tmp_path / "images", size=64)
    return run(TINY, data_root=images, out=tmp_path / "run", device="cpu"), load_dataset("mvtec", images)


def test_it_beats_the_mean_picture():
    x = torch.rand(64, 2, 4, 4)
    pictures = F.interpolate(x[:, :1], scale_factor=8).expand(-1, 3, -1, -1)  # the first feature as grey
    decoder = Decoder(2)
    for seed in range(8):
        train_decoder(decoder, x, (torch.zeros(2), torch.ones(2)), pictures, seed=seed)
    with torch.no_grad():
        error = F.mse_loss(decoder.eval()(x), pictures)
    assert error < 0.3 * pictures.var(dim=0).mean()


def test_a_run_has_one_decoder_which_is_saved(finished):
    folder, dataset = finished
    first = decoder_of_run(folder, dataset)
    x = torch.randn(2, 152, 4, 4)
    assert first(x).shape == (2, 3, 32, 32)
    assert not first.training
    saved = (folder / FILE).stat().st_mtime_ns
    assert torch.equal(decoder_of_run(folder, dataset)(x), first(x))
    assert (folder / FILE).stat().st_mtime_ns == saved
    save_tensors(folder / FILE, Decoder(3).state_dict(), {})
    with pytest.raises(InputError, match="does not fit the model beside it"):
        decoder_of_run(folder, dataset)
    (folder / FILE).unlink()
    assert torch.equal(decoder_of_run(folder, dataset)(x), first(x))  # trained anew


def test_it_needs_a_model_and_normal_images(finished, tmp_path):
    folder, dataset = finished
    with pytest.raises(InputError, match="No checkpoint"):
        decoder_of_run(tmp_path, dataset)
    without = dataclasses.replace(dataset, samples=tuple(dataset.select(split="test")))
    with pytest.raises(InputError, match="no normal training image"):
        decoder_of_run(folder, without)


def test_a_model_without_a_run_s_settings_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"saved without 'experiment'.*image size is unknown"):
        image_size_of({"backbone": {}}, tmp_path)
