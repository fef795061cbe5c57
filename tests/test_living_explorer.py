"""The explorer without a browser: its maths is numpy's, its bytes are the model's numbers, and Python answers."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gradbook.living.explorer import Explorer
from gradlib.errors import InputError
from javascript import call
from tiny_space import SCORES, H, tiny_explorer, tiny_samples


def test_nearest_point_is_numpy_s() -> None:
    draw = np.random.default_rng(0)
    points, asked = draw.uniform(-1, 1, (50, 2)), draw.uniform(-1, 1, (20, 2))
    far = np.linalg.norm(points[None] - asked[:, None], axis=2)  # (20, 50)
    given = [[*points.T.tolist(), *place] for place in asked.tolist()]
    assert call("explorer_maths", "nearest", [[*one, 9] for one in given]) == far.argmin(axis=1).tolist()
    within = np.where(far.min(axis=1) <= 0.1, far.argmin(axis=1), -1)
    assert set(within >= 0) == {True, False}
    assert call("explorer_maths", "nearest", [[*one, 0.1] for one in given]) == within.tolist()


def test_centroid_is_the_mean_of_the_members() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (9, 2))
    (mean,) = call("explorer_maths", "centroid", [[*points.T.tolist(), [0, 3, 8]]])
    np.testing.assert_allclose(mean, points[[0, 3, 8]].mean(axis=0), atol=1e-12)


def test_local_coordinates_survive_as_bytes(tmp_path: Path) -> None:
    figure = tiny_explorer(tmp_path)
    given = [[list(figure.v_l), number, H * H] for number in range(4)]
    coordinates = np.array(call("explorer_maths", "localCoordinates", given)).reshape(4, 2, H, H)
    np.testing.assert_allclose(coordinates, figure.run.v_l, atol=1 / 255 + 1e-6)
    exact = [[byte] for byte in range(256)]
    np.testing.assert_allclose(call("explorer_maths", "coordinateOfByte", exact), np.linspace(-1, 1, 256), atol=1e-12)


def test_picture_becomes_rgba_bytes() -> None:
    picture = torch.rand(3, 2, 5)
    (pixels,) = call("explorer_maths", "rgba", [[picture.flatten().tolist(), 10]])
    painted = np.array(pixels).reshape(2, 5, 4)
    np.testing.assert_allclose(painted[:, :, :3], 255 * picture.permute(1, 2, 0), atol=0.5 + 1e-4)
    assert (painted[:, :, 3] == 255).all()


def test_images_are_ordered_by_category_label_and_score(tmp_path: Path) -> None:
    figure = tiny_explorer(tmp_path, selected=2)
    assert figure.order.tolist() == [3, 1, 2, 0]
    assert figure.categories == ["gear", "nut"]
    assert list(figure.category_numbers) == [0, 0, 1, 1]
    assert list(figure.label) == [0, 0, 0, 1]
    assert np.frombuffer(figure.score, "<f4").tolist() == [SCORES[i] for i in figure.order]
    np.testing.assert_array_equal(np.frombuffer(figure.v_g, "<f4").reshape(2, 4).T, figure.run.v_g)
    d = np.frombuffer(figure.d, np.uint8).reshape(4, H, H) / 255 * figure.d_top
    np.testing.assert_allclose(d, figure.run.d, atol=figure.d_top / 255)
    assert (figure.selected, figure.free) == (2, figure.run.v_g[2].tolist())
    assert figure.patch == int(figure.run.d[2].argmax())
    sheet = np.array(Image.open(io.BytesIO(figure.images)).convert("L"), float)
    for place, number in enumerate(figure.order):
        own = Image.open(tmp_path / f"{number}.png").convert("L").resize((64, 64), Image.Resampling.BILINEAR)
        assert np.abs(sheet[:, 64 * place : 64 * place + 64] - np.array(own, float)).mean() < 12  # lossy


def test_stored_pictures_are_those_of_the_first_image(tmp_path: Path) -> None:
    figure = tiny_explorer(tmp_path, selected=1)
    sheet = np.array(Image.open(io.BytesIO(figure.pictures)).convert("RGB"), float) / 255
    free, side = np.frombuffer(figure.places, "<f4").reshape(2, -1).T, 8 * H
    assert len(free) == 50
    np.testing.assert_allclose(free[-1], figure.free)
    for number in (0, 30, 49):
        row, column = divmod(number, 7)
        tile = sheet[side * row : side * (row + 1), side * column : side * (column + 1)]
        picture = figure.picture_at(figure.first, free[number].tolist()).permute(1, 2, 0).numpy()
        assert np.abs(tile - picture).mean() < 0.05  # lossy


def test_python_answers_with_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure, sent = tiny_explorer(tmp_path), []
    monkeypatch.setattr(figure, "send", lambda content, buffers: sent.append((content, buffers)))
    figure._handle_custom_msg({"number": 7, "selected": 2, "free": [0.5, -0.25]}, [])
    ((content, (picture,)),) = sent
    assert content["number"] == 7
    assert content["milliseconds"] > 0
    received = np.frombuffer(picture, "<f4").reshape(3, 8 * H, 8 * H)
    expected = figure.picture(figure.run.v_l[[2]], torch.tensor([[0.5, -0.25]]))[0]
    np.testing.assert_allclose(received, expected.detach(), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": SCORES[:3]}, "4 samples, 3 scores and coordinates of 4 images"),
        ({"selected": 4}, "no image number 4"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    figure = tiny_explorer(tmp_path)
    given = {"scores": SCORES, "run": figure.run, "picture": figure.picture, "selected": 0, **changes}
    with pytest.raises(InputError, match=words):
        Explorer(tiny_samples(tmp_path), **given)
