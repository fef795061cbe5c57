"""The anomaly map and the image score, against torch's own operations and the released code's recorded outputs."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gradlib.errors import InputError
from gradlib.metrics.evaluation import evaluate
from gradlib.scores import anomaly_map, image_score

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA"))]


def random_maps(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_paper_map_is_bilinear_with_aligned_corners_and_keeps_the_corner_values() -> None:
    d = random_maps(2, 5, 7)
    maps = anomaly_map(d, 33)
    assert maps.shape == (2, 33, 33)
    corners = [0, 0, -1, -1], [0, -1, 0, -1]
    torch.testing.assert_close(maps[:, *corners], d[:, *corners])
    ramp = torch.arange(4.0).expand(1, 4, 4)
    torch.testing.assert_close(anomaly_map(ramp, 31)[0, 0], torch.linspace(0, 3, 31))


@pytest.mark.parametrize("size", [224, 12, (40, 25)])
def test_official_map_is_the_paper_map_under_a_21_box_that_counts_the_zero_padding(size: int | tuple[int, int]) -> None:
    d = random_maps(3, 14, 14)
    expected = F.avg_pool2d(anomaly_map(d, size, "paper"), 21, stride=1, padding=10, count_include_pad=True)
    torch.testing.assert_close(anomaly_map(d, size, "released"), expected)


def test_official_map_of_ones_fades_to_the_share_of_the_box_inside_the_image() -> None:
    maps = anomaly_map(torch.ones(1, 28, 28), 224, "released")
    assert maps[0, 112, 112] == pytest.approx(1)
    assert maps[0, 0, 112] == pytest.approx(11 / 21)
    assert maps[0, 0, 0] == pytest.approx((11 / 21) ** 2)
    assert anomaly_map(torch.ones(1, 28, 28), 224, "paper").min() == pytest.approx(1)


def test_image_score_is_the_maximum_of_a_32_pool_at_224() -> None:
    maps = random_maps(2, 224, 224)
    expected = F.avg_pool2d(maps, 32, stride=1).flatten(1).amax(1)
    torch.testing.assert_close(image_score(maps), expected)
    torch.testing.assert_close(image_score(maps, "released"), expected)


def test_image_score_window_scales_with_the_size_and_never_vanishes() -> None:
    spot = torch.zeros(1, 70, 35)
    spot[0, 30, 20] = 1
    assert image_score(spot).item() == pytest.approx(1 / (10 * 5))
    assert image_score(random_maps(1, 5, 5)).item() == pytest.approx(random_maps(1, 5, 5).max().item())


def test_image_score_of_an_image_does_not_depend_on_its_batch() -> None:
    d = random_maps(4, 14, 14)
    together = image_score(anomaly_map(d, 56, "released"), "released")
    alone = torch.cat([image_score(anomaly_map(one[None], 56, "released"), "released") for one in d])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_maps_stay_on_the_device_and_are_at_least_float32(device: str, dtype: torch.dtype) -> None:
    d = random_maps(2, 7, 7).to(device, dtype)
    for protocol in ("paper", "released"):
        maps = anomaly_map(d, 28, protocol)
        assert maps.device == d.device
        assert maps.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        exact = anomaly_map(d.cpu().double(), 28, protocol)
        torch.testing.assert_close(maps.cpu().double(), exact, atol=1e-5, rtol=1e-5)
        assert image_score(maps, protocol).shape == (2,)


@pytest.mark.parametrize("name", ["grad_v1_public", "official_public"])
def test_paper_map_equals_the_released_code_s_recorded_prediction(name: str) -> None:
    path = REFERENCE / f"{name}.npz"
    if not path.is_file():
        pytest.skip("the reference vectors are not at hand")
    with np.load(path) as vectors:
        x, reconstruction, prediction = (torch.from_numpy(vectors[key]) for key in ("x", "feature_rec", "pred"))
    maps = anomaly_map((x - reconstruction).norm(dim=1), prediction.shape[-1])
    torch.testing.assert_close(maps, prediction[:, 0], atol=1e-5, rtol=1e-5)


def test_an_unknown_protocol_is_refused_with_the_choices() -> None:
    for call in (
        lambda: anomaly_map(torch.ones(1, 2, 2), 4, "oficial"),
        lambda: image_score(torch.ones(1, 4, 4), "oficial"),
        lambda: evaluate(np.ones((1, 4, 4)), np.ones(1), np.ones(1), None, "oficial"),
    ):
        with pytest.raises(InputError, match=r"'oficial': choose one of 'paper', 'released'"):
            call()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_map_that_is_not_finite_is_refused_naming_the_first_such_image(bad: float) -> None:
    d = torch.ones(5, 4, 4)
    d[2, 1, 3] = d[4, 0, 0] = bad
    with pytest.raises(InputError, match=r"image 2 of the batch.*leave the image out"):
        anomaly_map(d, 8)
    with pytest.raises(InputError, match=r"image 2 of the batch.*leave the image out"):
        image_score(d)


@pytest.mark.parametrize("shape", [(4, 4), (2, 1, 4, 4), (2, 0, 4)])
def test_maps_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"give \(B, H, W\)"):
        anomaly_map(torch.ones(shape), 8)
    with pytest.raises(InputError, match=r"give \(B, H, W\)"):
        image_score(torch.ones(shape))


def test_a_size_below_one_pixel_is_refused() -> None:
    with pytest.raises(InputError, match="0 x 0: give at least 1 x 1"):
        anomaly_map(torch.ones(1, 4, 4), 0)


def test_an_empty_batch_gives_an_empty_answer() -> None:
    assert anomaly_map(torch.ones(0, 4, 4), 8, "released").shape == (0, 8, 8)
    assert image_score(torch.ones(0, 8, 8)).shape == (0,)
