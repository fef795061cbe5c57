"""The scoring figure without a browser: its maths is PyTorch's, and its two default positions are the protocols'."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from conftest import save
from gradbook.living.scoring import Scoring
from gradlib.config import PROTOCOLS
from gradlib.errors import InputError
from gradlib.scores import BOX, anomaly_map, image_score
from javascript import call

EXACT = {"rtol": 1e-6, "atol": 1e-9}


def scored(d: Tensor, size: int, *, smoothing: int = 1, window: int) -> tuple[Tensor, Tensor]:
    """What the figure should compute, in PyTorch: (B, H, W) -> the map (B, S, S), the score (B,)."""
    maps = F.interpolate(d[:, None], (size, size), mode="bilinear", align_corners=True)  # (B, 1, S, S)
    maps = F.avg_pool2d(maps, smoothing, stride=1, padding=smoothing // 2)  # (B, 1, S, S)
    return maps[:, 0], F.avg_pool2d(maps, window, stride=1).amax(dim=(1, 2, 3))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [224, 60])
def test_the_default_positions_are_the_protocols(protocol: str, size: int) -> None:
    d = torch.rand(4, 14, 14)
    maps, score = scored(d, size, smoothing=BOX if protocol == "released" else 1, window=size // 7)
    expected = anomaly_map(d, size, protocol)
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(score, image_score(expected, protocol))


@pytest.mark.parametrize(("H", "W", "size"), [(14, 14, 56), (5, 3, 24), (1, 4, 30), (28, 28, 20)])
def test_corners_that_are_not_aligned_are_torch_s(H: int, W: int, size: int) -> None:
    d = torch.rand(1, H, W, dtype=torch.float64)
    (found,) = call("scores_maths", "anomalyMap", [[d.flatten().tolist(), H, W, size, "paper", False]])
    known = F.interpolate(d[:, None], (size, size), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(np.reshape(found, (size, size)), known[0, 0], **EXACT)


@pytest.mark.parametrize(("smoothing", "window"), [(1, 1), (1, 8), (21, 8), (5, 56), (41, 31)])
def test_score_and_place_are_python_s(smoothing: int, window: int) -> None:
    d, size = torch.rand(1, 14, 14, dtype=torch.float64), 56
    maps, score = scored(d, size, smoothing=smoothing, window=window)
    upsampled = anomaly_map(d, size).flatten().tolist()
    (found,) = call("scoring_maths", "scored", [[upsampled, size, smoothing, window]])
    np.testing.assert_allclose(np.reshape(found["map"], (size, size)), maps[0], **EXACT)
    assert found["score"] == pytest.approx(score.item(), rel=1e-9)
    row, column = found["row"], found["column"]
    within = maps[0, row : row + window, column : column + window]
    assert within.mean().item() == pytest.approx(score.item(), rel=1e-9)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize(("H", "W"), [(14, 14), (5, 3)])
@pytest.mark.parametrize(("smoothing", "window"), [(1, 1), (21, 8), (5, 56)])
def test_the_table_s_scores_are_python_s(smoothing: int, window: int, H: int, W: int, aligned: bool) -> None:
    d, size = torch.rand(3, H, W, dtype=torch.float64), 56
    maps = F.interpolate(d[:, None], (size, size), mode="bilinear", align_corners=aligned)  # (3, 1, S, S)
    maps = F.avg_pool2d(maps, smoothing, stride=1, padding=smoothing // 2)
    known = F.avg_pool2d(maps, window, stride=1).amax(dim=(1, 2, 3))  # (3,)
    parts = [one.flatten().tolist() for one in d]
    (found,) = call("scoring_maths", "scoresOf", [[parts, H, W, size, smoothing, window, aligned]])
    np.testing.assert_allclose(found, known, **EXACT)


def test_means_stand_where_their_windows_are_centred() -> None:
    (found,) = call("scoring_maths", "scored", [[list(range(25)), 5, 1, 3]])
    assert (found["row"], found["column"], found["count"]) == (2, 2, 3)
    assert found["means"][0] == pytest.approx(6)  # the mean of 0, 1, 2, 5, 6, 7, 10, 11, 12


def test_the_figure_carries_maps_and_images(tmp_path: Path) -> None:
    path, d = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png"), torch.rand(2, 4, 4)
    shown = Scoring(d, [path, path], ["one", "two"], size=28)
    np.testing.assert_array_equal(np.frombuffer(shown.d, "<f4"), d.flatten())
    assert (shown.window, shown.default_window, shown.smoothing, shown.aligned) == (4, 4, 1, True)
    assert shown.images[8:12] == b"WEBP"
    assert "2 photographs" in shown.alt


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png")
    with pytest.raises(InputError, match="1 paths and 2 names"):
        Scoring(torch.rand(2, 4, 4), [path], ["one", "two"])
