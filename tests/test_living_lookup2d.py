"""The figure of the local grid without a browser: its maths is PyTorch's, and its patches are the given ones."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from gradbook.living.lookup2d import COLUMNS, Lookup2D, crops_around_patches, patch_sheet
from gradlib.errors import InputError
from gradlib.grids import Grid, LocalGrid
from javascript import call

RULES = [(True, "border"), (False, "border"), (True, "zeros"), (False, "zeros")]


@pytest.mark.parametrize(("aligned", "padding"), RULES)
def test_features_and_nearest_are_those_of_pytorch(aligned: bool, padding: str) -> None:
    R, K, N = 8, 5, 30
    grid = Grid(2, R, K, align_corners=aligned, padding_mode=padding).double()
    places = 2.4 * torch.rand(N + 1, 2, dtype=torch.float64) - 1.2
    places[0], places[1] = torch.tensor([1.0, -1.0]), torch.tensor([-1 / 7, 3 / 7])  # a corner, a knot
    with torch.no_grad():
        features = grid(places)  # (N + 1, K)
    rules = {"aligned": aligned, "padding": padding}
    G = grid.G.detach().flatten().tolist()
    (bank,) = call("lookup2d_maths", "featuresAt", [[G, K, places[:N].flatten().tolist(), R, rules]])
    np.testing.assert_allclose(np.reshape(bank, (N, K)), features[:N], atol=1e-6)
    (one,) = call("lookup2d_maths", "featureAt", [[G, K, places[N].tolist(), R, rules]])
    np.testing.assert_allclose(one, features[N], atol=1e-6)

    distances = (features[:N] - features[N]).square().sum(dim=1)
    (patches,) = call("lookup2d_maths", "nearest", [[one, bank, 6]])
    assert [n for n, _ in patches] == distances.argsort()[:6].tolist()
    np.testing.assert_allclose([d for _, d in patches], distances.sort().values[:6], atol=1e-6)


def test_crops_lie_around_their_patches() -> None:
    image = torch.arange(32.0).expand(1, 32, 32)  # each pixel holds its column
    crops = crops_around_patches(image, 4, 12)  # patches of 8, two more pixels on each side
    assert crops.shape == (1, 4, 4, 12, 12)
    assert crops[0, 1, 2, 0].tolist() == list(range(14, 26))
    assert crops[0, 0, 0, 5].tolist() == [0, 0, *range(10)]  # the border is repeated
    with pytest.raises(InputError, match="cannot be cut"):
        crops_around_patches(image, 5, 12)


def test_patch_sheet_keeps_the_order() -> None:
    greys = torch.linspace(0, 1, COLUMNS + 3)
    sheet = np.asarray(Image.open(io.BytesIO(patch_sheet(greys[:, None, None].expand(-1, 8, 8)))).convert("L")) / 255
    assert sheet.shape == (16, 8 * COLUMNS)
    middles = sheet[4::8, 4::8].flatten()
    np.testing.assert_allclose(middles[: len(greys)], greys, atol=0.03)


def test_figure_holds_the_grid_and_refuses_what_does_not_fit() -> None:
    grid, places, patches = LocalGrid(2, 8, 3, align_corners=False), torch.zeros(4, 2), torch.zeros(4, 8, 8)
    figure = Lookup2D(grid, places, patches, c=(0.5, -0.5))
    np.testing.assert_array_equal(np.frombuffer(figure.G, "<f4").reshape(8, 8, 3), grid.G.detach())
    assert (figure.align_corners, figure.padding_mode) == (False, "border")
    assert figure.grid_rules == {"align_corners": False, "padding_mode": "border"}
    assert "4 faint dots" in figure.alt
    with pytest.raises(InputError, match="3 axes"):
        Lookup2D(LocalGrid(3, 4, 3), places, patches)
    for wrong in (torch.zeros(3, 2), torch.zeros(4, 3), torch.zeros(0, 2)):
        with pytest.raises(InputError, match="do not fit"):
            Lookup2D(grid, wrong, patches)
