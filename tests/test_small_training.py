"""The small example: evenly spaced cells, standardised features, the same model at every call."""

from pathlib import Path

import pytest
import torch

from conftest import write_tiny_mvtec
from gradbook.analysis import small_training
from gradbook.analysis.small_training import SmallExample, evenly, small_example, train_small
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_mvtec(tmp_path_factory.mktemp("tiny"), size=64)


@pytest.fixture
def example(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallExample:
    """Two categories of noise; the cache lies in the test's own folder."""
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path))
    return small_example(load_dataset("mvtec", root), train=4, test=2)


def test_cells_are_evenly_spaced_in_each_category(root: Path) -> None:
    training = load_dataset("mvtec", root).select(split="train")
    samples = evenly(training, 2)
    assert [s.category for s in samples] == ["gear", "gear", "nut", "nut"]
    assert [s.image.stem for s in samples] == ["000", "002"] * 2
    for n in (0, 5):
        with pytest.raises(InputError, match="ask for 1 to 4"):
            evenly(training, n)


def test_features_are_standardised_by_the_training_cells(example: SmallExample) -> None:
    assert [s.label for s in example.normal + example.defective] == [0] * 4 + [1] * 4
    C = example.train.channels
    assert example.x_train.shape == (8, C, 14, 14)
    torch.testing.assert_close(example.x_train.mean(dim=(0, 2, 3)), torch.zeros(C), atol=1e-4, rtol=0)
    torch.testing.assert_close(example.x_train.std(dim=(0, 2, 3), correction=0), torch.ones(C), atol=1e-4, rtol=0)
    images = example.images(example.normal)
    assert images.shape == (4, 3, 224, 224)
    assert -1 <= images.min() <= images.max() <= 1
    torch.testing.assert_close(example.features(images), example.x_test[:4], atol=1e-4, rtol=1e-4)


def test_model_is_trained_once_and_depends_on_its_seed(example: SmallExample, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = train_small(example, epochs=2, seed=0, device="cpu")
    assert torch.equal(torch.get_rng_state(), state), "a chapter's own random numbers stay as they were"
    other = train_small(example, epochs=2, seed=1, device="cpu")
    monkeypatch.setattr(small_training, "fit", lambda *args, **kwargs: pytest.fail("trained again"))
    again = train_small(example, epochs=2, seed=0, device="cpu")
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name
    assert torch.equal(first.history, again.history)
    assert first.losses == again.losses
    assert not again.model.training
    assert not torch.equal(first.model.G_l.G, other.model.G_l.G)


def test_history_runs_from_the_start_to_the_model_that_is_returned(example: SmallExample) -> None:
    trained = train_small(example, epochs=2, seed=0, device="cpu")
    assert trained.history.shape == (3, 8, 2)
    assert len(trained.losses) == 2
    with torch.no_grad():
        torch.testing.assert_close(trained.history[-1], trained.model.v_g(example.x_test))
        output = trained.model(example.test[range(2)])
    torch.testing.assert_close(output.features, example.x_test[:2])
