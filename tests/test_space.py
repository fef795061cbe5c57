"""A run's coordinates are the model's, and at its own coordinate an image has the picture of its normal feature."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gradbook.analysis.space import PictureAt
from gradlib.deploy.decoder import Decoder
from gradlib.deploy.onnx_file import write_onnx
from gradlib.deploy.onnx_session import open_session
from gradlib.errors import InputError
from gradlib.inference import run_model
from gradlib.model import GRAD
from tiny_space import CONFIG, C, H


def test_coordinates_are_those_of_the_model() -> None:
    model, x = GRAD(CONFIG).train(), torch.randn(70, C, H, H)  # more than one block
    run, output = run_model(model, x), model(x)
    assert not model.training, "no jitter"
    torch.testing.assert_close(run.v_l, output.local_coordinates)
    torch.testing.assert_close(run.v_g, output.global_coordinates)
    torch.testing.assert_close(run.d, output.error)


@pytest.mark.parametrize("concat", ["local_global", "global_local"])
def test_at_its_own_coordinate_an_image_has_its_own_normal_feature(concat: str) -> None:
    model, decoder = GRAD(replace(CONFIG, concat=concat)).eval(), Decoder(C)
    picture, x = PictureAt(model, decoder), torch.randn(3, C, H, H)
    output = model(x)
    torch.testing.assert_close(picture.normal(output.local_coordinates, output.global_coordinates), output.normal)
    decoded = picture(output.local_coordinates, output.global_coordinates)
    assert decoded.shape == (3, 3, 8 * H, 8 * H)
    torch.testing.assert_close(decoded, decoder(output.normal))
    elsewhere = picture.normal(output.local_coordinates, -output.global_coordinates)
    assert not torch.allclose(elsewhere, output.normal)


@pytest.mark.parametrize("changes", [{"global_memory": "none"}, {"local_memory": "vq"}, {"global_dim": 3}])
def test_a_model_without_two_planes_is_refused(changes: dict) -> None:
    with pytest.raises(InputError, match="no two planes to show"):
        PictureAt(GRAD(replace(CONFIG, **changes)), Decoder(C))


def test_the_file_for_the_page_gives_the_same_pictures(tmp_path: Path) -> None:
    picture = PictureAt(GRAD(CONFIG).eval(), Decoder(C))
    example = torch.rand(1, 2, H, H), torch.rand(1, 2)
    path = write_onnx(picture, example, tmp_path / "one.onnx", inputs=("local", "free"), outputs=("picture",))
    session = open_session(path)
    for _ in range(5):
        local, free = 2 * torch.rand(1, 2, H, H) - 1, 2 * torch.rand(1, 2) - 1
        (theirs,) = session.run(None, {"local": local.numpy(), "free": free.numpy()})
        np.testing.assert_allclose(theirs, picture(local, free).detach(), atol=1e-5)
