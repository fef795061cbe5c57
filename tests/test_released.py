"""Parity with the released modules: their weights, their inputs, their outputs."""

import re

import numpy as np
import pytest
import torch

from gradbook.paths import repository
from gradlib.config import GradConfig
from gradlib.deploy.released import load_released
from gradlib.errors import InputError
from gradlib.model import GRAD
from gradlib.scores import anomaly_map

REFERENCE = repository().parent / "shared" / "reference"
VECTORS = [
    ("grad_v1_public.npz", {"mse_threshold": 4.3, "lambda_mse": 0.3, "lambda_cos": 0.7}),
    ("official_public.npz", {"mse_threshold": 10.0, "lambda_mse": 0.3, "lambda_cos": 0.7}),
]


def released_names(model):
    """The inverse of the importer, for tests without the reference vectors."""
    state = {}
    for name, tensor in model.state_dict().items():
        name = re.sub(r"^v_l\.layers\.", "coord.", name)
        name = re.sub(r"^v_g\.layers\.", "coord_.", name)
        if re.match(r"psi\.\d+\.weight", name):
            name = "recover.weight"
        name = re.sub(r"^psi\.(\d+)\.layers\.5\.layers\.", r"layer.\1.conv.5.fc.", name)
        name = re.sub(r"^psi\.(\d+)\.layers\.", r"layer.\1.conv.", name)
        name = re.sub(r"^psi\.(\d+)\.", r"layer.0.\1.", name)
        if name in ("G_l.G", "G_g.G"):
            state["query.0" if name == "G_l.G" else "query.1"] = tensor.permute(2, 1, 0)[None]
        elif not name.startswith("feature_"):
            state[name] = tensor
    return state


@pytest.mark.parametrize(("file", "settings"), VECTORS)
def test_released_outputs_are_reproduced(file, settings):
    if not (REFERENCE / file).exists():
        pytest.skip(f"reference vectors are not beside the repository: {file}")
    data = np.load(REFERENCE / file)
    state = {key.removeprefix("sd/"): data[key] for key in data.files if key.startswith("sd/")}
    model = load_released(state, **settings)
    x = torch.from_numpy(data["x"])
    with torch.inference_mode():
        out = model(x)
    pred = anomaly_map(out.error, data["pred"].shape[-1])[:, None]
    ours = {
        "local_coord": out.local_coordinates,
        "global_coord": out.global_coordinates,
        "feature_rec": out.reconstruction,
        "fused": out.normal,
        "pred": pred,
    }
    compared = set(ours) & set(data.files)
    assert compared >= {"local_coord", "global_coord", "feature_rec", "pred"}
    for name in compared:
        assert ours[name].shape == data[name].shape, name
        np.testing.assert_allclose(ours[name].numpy(), data[name], atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(("fusion", "width", "blocks"), [("basic", 24, 3), ("mobile", 40, 2)])
def test_kind_depth_and_sizes_are_read_off_the_names(fusion, width, blocks):
    config = GradConfig(
        channels=12, map_size=(4, 4), local_resolution=6, global_resolution=3, fusion=fusion, blocks=blocks, width=width
    )
    official = load_released(released_names(GRAD(config)), mse_threshold=2.0, lambda_mse=0.1, lambda_cos=0.9)
    expected = {"fusion": fusion, "blocks": blocks, "width": width, "local_resolution": 6, "global_resolution": 3}
    assert {key: getattr(official.config, key) for key in expected} == expected
    assert (official.config.mse_threshold, official.config.lambda_mse, official.config.lambda_cos) == (2.0, 0.1, 0.9)
    assert not official.training


def test_a_map_that_is_not_square_needs_its_size():
    state = released_names(GRAD(GradConfig(channels=8, map_size=(4, 6), blocks=1, width=16)))
    settings = {"mse_threshold": 10.0, "lambda_mse": 0.3, "lambda_cos": 0.7}
    with pytest.raises(InputError, match="map_size"):
        load_released(state, **settings)
    assert load_released(state, **settings, map_size=(4, 6)).config.map_size == (4, 6)


def test_grids_of_another_number_of_axes_are_refused():
    state = released_names(GRAD(GradConfig(channels=8, map_size=(4, 4), blocks=1, width=16)))
    state["query.0"] = state["query.0"][0]
    with pytest.raises(InputError, match=r"its grids have shapes \(8, 8, 8\) and"):
        load_released(state, mse_threshold=10.0, lambda_mse=0.3, lambda_cos=0.7)


@pytest.mark.parametrize("broken", ["recover.weight", "coord.0.weight", "layer.0.0.conv1.weight"])
def test_an_incomplete_state_dict_is_refused(broken):
    state = released_names(GRAD(GradConfig(channels=8, map_size=(4, 4), blocks=1, width=16)))
    del state[broken]
    with pytest.raises(InputError, match=re.escape(broken.split(".")[0]) + "|state dict"):
        load_released(state, mse_threshold=10.0, lambda_mse=0.3, lambda_cos=0.7)
