"""The training loop: fixed epochs, schedule, seeds that count, and a killed run that ends as an uninterrupted one."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import torch

from gradlib.checkpoint import load_model, load_tensors, save_model, save_tensors
from gradlib.config import GradConfig, TrainConfig
from gradlib.errors import InputError
from gradlib.fabric import make_fabric
from gradlib.model import GRAD
from gradlib.seeds import epoch_generator
from gradlib.train import fit

SMALL = GradConfig(channels=6, map_size=(5, 5), fusion="slim", blocks=1, width=8, mse_threshold=0.5)


@pytest.fixture(scope="module")
def fabric():
    return make_fabric("cpu")


def features(n=21, seed=0):
    return torch.randn(n, 6, 5, 5, generator=torch.Generator().manual_seed(seed))


def trained(fabric, config, *, data=None, model_config=SMALL, **options):
    torch.manual_seed(1)
    model = GRAD(model_config)
    log = fit(model, features() if data is None else data, config, fabric=fabric, **options)
    return model, log


def assert_same_weights(a, b):
    for (name, x), (_, y) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
        assert torch.equal(x, y), name


def test_training_lowers_the_loss_and_runs_every_epoch(fabric):
    _, log = trained(fabric, TrainConfig(epochs=12, batch_size=8))
    assert len(log.losses) == 12
    assert log.losses[-1] < 0.8 * log.losses[0]


def test_rates_drop_tenfold_at_40_and_80_percent():
    factors = [TrainConfig(epochs=100).rate_factor(epoch) for epoch in (0, 39, 40, 79, 80, 99)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(fabric, seed):
    first, _ = trained(fabric, TrainConfig(epochs=2, batch_size=8, seed=seed))
    again, _ = trained(fabric, TrainConfig(epochs=2, batch_size=8, seed=seed))
    other, _ = trained(fabric, TrainConfig(epochs=2, batch_size=8, seed=seed + 2))
    assert_same_weights(first, again)
    assert not torch.equal(first.G_l.G, other.G_l.G)


def test_random_streams_differ_by_seed_epoch_and_purpose():
    draws = {
        torch.rand(1, generator=epoch_generator(*key)).item()
        for key in [(0, 0, "a"), (0, 1, "a"), (1, 0, "a"), (0, 0, "b")]
    }
    assert len(draws) == 4


@pytest.mark.parametrize("stop_after", [1, 3])
def test_an_interrupted_run_goes_on_to_the_same_weights(fabric, tmp_path, stop_after):
    config = TrainConfig(epochs=6, batch_size=8, clip_norm=0.1)

    def stop(epoch):
        if epoch == stop_after:
            raise KeyboardInterrupt
        return epoch / 8

    whole, whole_log = trained(fabric, config)
    state = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        trained(fabric, config, checkpoint=state, after_epoch=stop)
    resumed, log = trained(fabric, config, checkpoint=state, after_epoch=lambda epoch: epoch / 8)
    assert log.epoch_values == [epoch / 8 for epoch in range(6)]
    assert log.losses == whole_log.losses
    assert_same_weights(whole, resumed)


KILLED = """
    import sys, torch
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from gradlib.config import TrainConfig
    from gradlib.fabric import make_fabric
    from test_train import features, trained
    class Slow:
        def __init__(self): self.x, self.steps = features(), 0
        def __len__(self): return len(self.x)
        def __getitem__(self, index):
            self.steps += 1
            print("step", self.steps, flush=True)
            return self.x[index]
    trained(make_fabric("cpu"), TrainConfig(epochs=200, batch_size=8), data=Slow(), checkpoint=Path({state!r}))
"""


def test_a_run_killed_at_a_random_step_resumes_to_identical_weights(fabric, tmp_path):
    state = tmp_path / "state.safetensors"
    step = int.from_bytes(os.urandom(2), "big") % 200 + 4  # any step will do: that is the claim
    script = textwrap.dedent(KILLED).format(tests=os.path.dirname(__file__), state=str(state))  # noqa: PTH120
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in child.stdout:
        if line == f"step {step}\n":
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    assert child.returncode == -signal.SIGKILL, f"not killed at step {step}"
    config = TrainConfig(epochs=200, batch_size=8)
    _, settings = load_tensors(state)
    assert 0 < len(settings["log"]["losses"]) < 200
    resumed, log = trained(fabric, config, checkpoint=state)
    whole, whole_log = trained(fabric, config)
    assert log.losses == whole_log.losses
    assert_same_weights(whole, resumed)


def test_a_checkpoint_of_another_run_is_refused_by_name(fabric, tmp_path):
    state = tmp_path / "state.safetensors"
    trained(fabric, TrainConfig(epochs=1, batch_size=8), checkpoint=state, identity="these images")
    with pytest.raises(InputError, match=r"state\.safetensors belongs to a run with other epochs:"):
        trained(fabric, TrainConfig(epochs=2, batch_size=8), checkpoint=state, identity="these images")
    with pytest.raises(InputError, match="identity"):
        trained(fabric, TrainConfig(epochs=1, batch_size=8), checkpoint=state, identity="other images")


def test_a_last_batch_of_one_image_is_left_out(fabric):
    class Counting:
        def __init__(self):
            self.x, self.sizes = features(17), []

        def __len__(self):
            return 17

        def __getitem__(self, index):
            self.sizes.append(len(index))
            return self.x[index]

    data = Counting()
    trained(fabric, TrainConfig(epochs=1, batch_size=8), data=data)
    assert data.sizes == [8, 8]


def test_nan_features_stop_training_with_a_sentence(fabric):
    data = features()
    data[3, 2] = float("nan")
    with pytest.raises(InputError, match="NaN"):
        trained(fabric, TrainConfig(epochs=1, batch_size=8), data=data)


def test_without_fabric_one_device_trains_to_the_same_weights(fabric):
    config = TrainConfig(epochs=3, batch_size=8, clip_norm=0.1)
    with_fabric, its_log = trained(fabric, config)
    without, log = trained(None, config)
    assert log.losses == its_log.losses
    assert_same_weights(with_fabric, without)


@pytest.mark.parametrize("asked", [{"standardise": True}, {"memory_start": "features"}])
def test_training_does_what_the_configuration_says(fabric, asked):
    config = replace(SMALL, **asked)
    still = TrainConfig(epochs=1, batch_size=8, lr_nets=0, lr_grids=0, weight_decay=0)
    model, _ = trained(fabric, still, model_config=config)
    torch.manual_seed(1)
    expected = GRAD(config)
    expected.prepare(features(), seed=0)
    torch.testing.assert_close(model.feature_mean, expected.feature_mean)
    torch.testing.assert_close(model.G_l.G, expected.G_l.G)
    plain, _ = trained(fabric, still)
    assert not torch.equal(model.feature_mean, plain.feature_mean) or not torch.equal(model.G_l.G, plain.G_l.G)


def test_training_goes_on_with_the_statistics_it_began_with(fabric):
    config = replace(SMALL, standardise=True)
    model, _ = trained(fabric, TrainConfig(epochs=1, batch_size=8), model_config=config)
    before = model.feature_mean.clone()
    fit(model, features() + 100, TrainConfig(epochs=1, batch_size=8), fabric=fabric)
    assert torch.equal(model.feature_mean, before)


def test_no_training_image_is_refused(fabric):
    with pytest.raises(InputError, match="at least one"):
        trained(fabric, TrainConfig(epochs=1), data=features(0))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}])
def test_impossible_schedules_are_refused(wrong):
    with pytest.raises(InputError, match="at least 1"):
        TrainConfig(**wrong)


def test_an_absent_device_is_refused():
    with pytest.raises(InputError, match='choose "cpu"'):
        make_fabric("tpu")


def test_training_runs_in_bfloat16_when_asked():
    model, log = trained(make_fabric("cpu", precision="bf16-mixed"), TrainConfig(epochs=2, batch_size=8))
    assert log.losses[-1] < log.losses[0]
    assert model.G_l.G.dtype == torch.float32


def test_a_model_survives_its_file(tmp_path):
    model = GRAD(SMALL).eval()
    save_model(tmp_path / "model.safetensors", model, {"note": "kept"})
    loaded, settings = load_model(tmp_path)
    assert settings["note"] == "kept"
    assert loaded.config == SMALL
    assert_same_weights(model, loaded)


def broken_files(tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_model(whole, GRAD(SMALL), {})
    (tmp_path / "cut.safetensors").write_bytes(whole.read_bytes()[:-100])
    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps({"a": 1}))
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    save_tensors(tmp_path / "state.safetensors", {"a": torch.zeros(1)}, {"log": {}})
    save_tensors(tmp_path / "misfit.safetensors", {"a": torch.zeros(1)}, {"config": SMALL.to_dict()})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "No checkpoint at"),
        ("cut", "not a readable safetensors"),
        ("pickle", "pickles are not opened"),
        ("foreign", "not written by gradlib"),
        ("state", "not a finished model"),
        ("misfit", "do not fit"),
    ],
)
def test_a_wrong_checkpoint_is_refused_by_file_and_reason(tmp_path, name, reason):
    broken_files(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        load_model(tmp_path / f"{name}.safetensors")
    assert f"{name}.safetensors" in str(caught.value)


def test_a_disk_that_refuses_leaves_the_earlier_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    save_tensors(path, {"a": torch.zeros(3)}, {"epoch": 1})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gradlib.checkpoint.save_file", full)
    with pytest.raises(InputError, match="free space"):
        save_tensors(path, {"a": torch.ones(3)}, {"epoch": 2})
    assert load_tensors(path)[1] == {"epoch": 1}
    with pytest.raises(InputError, match="choose another folder"):
        save_tensors(path / "inside_a_file.safetensors", {"a": torch.ones(3)}, {})
