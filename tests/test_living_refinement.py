"""The refinement figure without a browser: maths is gradlib's to 1e-6, the model carries what the page needs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from conftest import save
from gradbook.living.refinement import Refinement
from gradlib.config import PROTOCOLS, GradConfig
from gradlib.errors import InputError
from gradlib.model import GRAD
from gradlib.refinement import refine, similarity
from gradlib.scores import anomaly_map, image_score
from javascript import call

EXACT = {"rtol": 1e-6, "atol": 1e-12}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("H", "W", "size"), [(14, 14, 224), (5, 3, 24), (1, 4, 30), (28, 28, 20)])
def test_maps_are_upsampled_as_in_the_library(H: int, W: int, size: int, protocol: str) -> None:
    d = torch.rand(3, H, W, dtype=torch.float64)
    found = call("scores_maths", "anomalyMap", [[one.flatten().tolist(), H, W, size, protocol] for one in d])
    np.testing.assert_allclose(np.reshape(found, (3, size, size)), anomaly_map(d, size, protocol), **EXACT)


@pytest.mark.parametrize(("H", "W", "size"), [(14, 14, 224), (5, 3, 24), (1, 4, 30), (28, 28, 20), (2, 2, 5)])
def test_the_score_needs_no_upsampled_map(H: int, W: int, size: int) -> None:
    d = torch.rand(1, H, W, dtype=torch.float64)
    (pools,) = call("scores_maths", "pooling", [[H, W, size]])
    found = call("scores_maths", "imageScore", [[d.flatten().tolist(), pools]])
    np.testing.assert_allclose(found, image_score(anomaly_map(d, size)), **EXACT)


@pytest.mark.parametrize(
    ("k", "lambda_1", "lambda_2"), [(0.25, 0.3, 0.7), (10.0, 0.3, 0.7), (0.9, 1.0, 1.0), (1.0, 0, 0)]
)
def test_refinement_is_that_of_the_library(k: float, lambda_1: float, lambda_2: float) -> None:
    x, f_n = torch.randn(2, 1, 6, 4, 5, dtype=torch.float64)
    mse = (x - f_n).square().mean(dim=1).flatten().tolist()
    cosine = F.cosine_similarity(x, f_n, dim=1).flatten().tolist()
    distance = (x - f_n).norm(dim=1).flatten().tolist()
    rules = {"k": k, "lambda_1": lambda_1, "lambda_2": lambda_2}

    S = similarity(x, f_n, mse_threshold=k, lambda_mse=lambda_1, lambda_cos=lambda_2)  # (1, 4, 5)
    x_hat = refine(x, f_n, S)
    (found,) = call("refinement_maths", "similarities", [[mse, cosine, rules]])
    np.testing.assert_allclose(found, S.flatten(), **EXACT)
    (d,) = call("refinement_maths", "errors", [[found, distance]])
    np.testing.assert_allclose(d, (x - x_hat).norm(dim=1).flatten(), **EXACT)
    (channel,) = call(
        "refinement_maths", "refined", [[x[0, 2].flatten().tolist(), f_n[0, 2].flatten().tolist(), found]]
    )
    np.testing.assert_allclose(channel, x_hat[0, 2].flatten(), **EXACT)
    (share,) = call("refinement_maths", "shareBelow", [[mse, k]])
    assert share == pytest.approx(np.mean(np.array(mse) < k))


def figure(paths: list[Path], names: list[str]) -> tuple[Refinement, GRAD, torch.Tensor]:
    config = GradConfig(channels=8, map_size=(4, 4), fusion="slim", blocks=1, width=8, mse_threshold=0.9)
    model, x = GRAD(config).eval(), torch.randn(2, 8, 4, 4)
    with torch.no_grad():
        return Refinement(model(x), paths, names, config, size=32, channels=3), model, x


def test_the_figure_carries_the_model_s_own_numbers(tmp_path: Path) -> None:
    path = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png")
    shown, model, x = figure([path, path], ["one", "two"])
    mse, cosine, distance = (np.frombuffer(getattr(shown, name), "<f4") for name in ("mse", "cosine", "distance"))
    S = shown.lambda_1 * (mse < shown.k) + shown.lambda_2 * cosine
    with torch.no_grad():
        np.testing.assert_allclose(abs(1 - S) * distance, model(x).error.flatten(), rtol=1e-4)
    assert (shown.k, shown.lambda_1, shown.lambda_2) == (0.9, 0.3, 0.7)
    assert shown.trained == {"k": 0.9, "lambda_1": 0.3, "lambda_2": 0.7}
    assert len(shown.x) == len(shown.f_n) == 2 * 3 * 16 * 4
    assert shown.images[8:12] == b"WEBP"
    assert "2 photographs" in shown.alt


def test_names_and_images_must_be_as_many(tmp_path: Path) -> None:
    path = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png")
    with pytest.raises(InputError, match="1 paths and 2 names"):
        figure([path], ["one", "two"])
