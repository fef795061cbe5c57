"""Features in a model's units."""

from dataclasses import replace

import pytest
import torch

from gradlib.config import GradConfig
from gradlib.errors import InputError
from gradlib.standardise import FeatureModel, safe_std

CONFIG = GradConfig(channels=3, map_size=(4, 5), standardise=True)


def test_standardised_features_have_mean_0_and_deviation_1() -> None:
    x, model = 5 + 3 * torch.randn(200, 3, 4, 5), FeatureModel(replace(CONFIG, standardise=False))
    model.prepare(x)
    torch.testing.assert_close(model.standardised(x), x)
    model = FeatureModel(CONFIG)
    model.prepare(x)
    found = model.standardised(x)
    torch.testing.assert_close(found.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std(dim=(0, 2, 3), correction=0), torch.ones(3))


def test_a_channel_that_never_changes_divides_by_no_zero() -> None:
    torch.testing.assert_close(safe_std(torch.tensor([2.0, 0.0, 1e-3])), torch.tensor([2.0, 2e-6, 1e-3]))
    model = FeatureModel(CONFIG)
    x = torch.randn(2, 3, 4, 5)
    x[:, 1] = 0
    model.prepare(x)
    assert model.standardised(x).isfinite().all()


def test_features_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 3, 5, 4\) do not fit a model for \('B', 3, 4, 5\)"):
        FeatureModel(CONFIG).standardised(torch.zeros(2, 3, 5, 4))
