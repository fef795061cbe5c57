"""The lookup of Eq. 1 against a plain loop and against torch's grid_sample, in value and gradient."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from gradlib.errors import InputError
from gradlib.grids import GlobalGrid, Grid, LocalGrid, interpolate, knot_position

BORDERS = list(itertools.product((True, False), ("border", "zeros")))


def plain_loop(G, v, padding_mode):
    """Eq. 1 as a reader would write it: for each point, each corner, weight times value."""
    *R, K = G.shape
    out = torch.zeros(len(v), K, dtype=G.dtype)
    for n, point in enumerate(v.tolist()):
        if padding_mode == "border":
            point = [min(max(x, 0.0), r - 1.0) for x, r in zip(point, R, strict=True)]
        low = [math.floor(x) for x in point]
        for corner in itertools.product((0, 1), repeat=len(R)):
            index = [a + b for a, b in zip(low, corner, strict=True)]
            if all(0 <= i < r for i, r in zip(index, R, strict=True)):
                weight = math.prod(1 - abs(x - i) for x, i in zip(point, index, strict=True))
                out[n] += weight * G[tuple(index)]
    return out


def torch_grid_sample(G, c, align_corners, padding_mode):
    """The same through grid_sample, whose image is (K, z, y, x) and whose coordinates are (x, y, z)."""
    D = G.ndim - 1
    if D == 1:  # grid_sample has no 1D form: a 2D grid of one row, read in the middle of that row
        G, c = G[:, None, :], torch.stack([c[:, 0], torch.zeros_like(c[:, 0])], dim=1)
        D = 2
    image = G.movedim(-1, 0)  # (K, axis 1, ..., axis D)
    image = image.permute(0, *range(D, 0, -1))[None]  # (1, K, axis D, ..., axis 1)
    points = c.view(1, len(c), *[1] * (D - 1), D)
    out = F.grid_sample(image, points, mode="bilinear", padding_mode=padding_mode, align_corners=align_corners)
    return out.view(out.shape[1], -1).T


def coordinates(D, R, align_corners):
    """Random points, every knot, both borders and points beyond them."""
    step = torch.arange(-1, R + 1, dtype=torch.float64)
    knots = 2 * step / (R - 1) - 1 if align_corners else (2 * step + 1) / R - 1
    axis = torch.cat([knots, torch.tensor([-1.0, 1.0, -1.03, 1.07, 0.3], dtype=torch.float64)])
    exact = torch.cartesian_prod(*[axis] * D).reshape(-1, D)
    generator = torch.Generator().manual_seed(D * 100 + R)
    random = torch.rand(64, D, dtype=torch.float64, generator=generator) * 2.4 - 1.2
    return torch.cat([exact[:: max(1, len(exact) // 300)], random])


@pytest.mark.parametrize("D", [1, 2, 3])
@pytest.mark.parametrize(("align_corners", "padding_mode"), BORDERS)
def test_lookup_equals_a_plain_loop_and_grid_sample_at_knots_and_borders(D, align_corners, padding_mode):
    R, K = 5, 3
    G = torch.randn(*[R] * D, K, dtype=torch.float64)
    c = coordinates(D, R, align_corners)
    v = knot_position(c, R, align_corners=align_corners)
    ours = interpolate(G, v, padding_mode=padding_mode)
    torch.testing.assert_close(ours, plain_loop(G, v, padding_mode), atol=1e-12, rtol=0)
    torch.testing.assert_close(ours, torch_grid_sample(G, c, align_corners, padding_mode), atol=1e-12, rtol=0)


@pytest.mark.parametrize("D", [1, 2, 3])
@pytest.mark.parametrize(("align_corners", "padding_mode"), BORDERS)
def test_lookup_gradients_equal_grid_sample_in_grid_and_coordinates(D, align_corners, padding_mode):
    R, K = 4, 3
    G = torch.randn(*[R] * D, K, dtype=torch.float64, requires_grad=True)
    c = coordinates(D, R, align_corners).requires_grad_()
    upstream = torch.randn(len(c), K, dtype=torch.float64)
    ours = interpolate(G, knot_position(c, R, align_corners=align_corners), padding_mode=padding_mode)
    theirs = torch_grid_sample(G, c, align_corners, padding_mode)
    for mine, reference in zip(
        torch.autograd.grad(ours, (G, c), upstream), torch.autograd.grad(theirs, (G, c), upstream), strict=True
    ):
        torch.testing.assert_close(mine, reference, atol=1e-10, rtol=0)


def test_lookup_gradients_equal_finite_differences():
    G = torch.randn(4, 4, 2, dtype=torch.float64, requires_grad=True)
    v = (torch.rand(9, 2, dtype=torch.float64) * 2.6 + 0.2).requires_grad_()
    assert torch.autograd.gradcheck(interpolate, (G, v))


def test_lookup_at_a_knot_is_the_knot_where_the_printed_equation_gives_zero():
    G = torch.randn(6, 2)
    v = torch.arange(6.0)[:, None]
    torch.testing.assert_close(interpolate(G, v), G)
    m, n = v.floor().long()[:, 0], v.ceil().long()[:, 0]
    printed = (v - n[:, None]).abs() * G[m] + (v - m[:, None]).abs() * G[n]  # Eq. 1 to the letter
    assert printed.abs().max() == 0


@pytest.mark.parametrize(
    ("c", "expected"), [((0.95, 0.0), 0.70), ((1.0, 0.0), 0.50), ((1.0, 1.0), 0.25), ((1.05, 1.05), 0.09)]
)
def test_the_released_border_rule_fades_a_constant_grid_to_zero(c, expected):
    grid = Grid(2, 8, 1, align_corners=False, padding_mode="zeros")
    torch.nn.init.ones_(grid.G)
    assert grid(torch.tensor([c])).item() == pytest.approx(expected, abs=0.006)


def test_local_and_global_grids_return_feature_maps():
    local, whole = LocalGrid(2, 8, 5), GlobalGrid(2, 4, (5, 6, 7))
    c = torch.rand(3, 2, 6, 7) * 2 - 1
    f_l, f_g = local(c), whole(c[:, :, 0, 0])
    assert f_l.shape == f_g.shape == (3, 5, 6, 7)
    torch.testing.assert_close(f_l[1, :, 2, 3], Grid.forward(local, c[1, :, 2, 3][None])[0])
    torch.testing.assert_close(f_g[2].flatten(), Grid.forward(whole, c[2:, :, 0, 0])[0])


def test_grid_initialisation_has_the_released_standard_deviations():
    torch.manual_seed(0)
    assert LocalGrid(2, 8, 216).G.std().item() == pytest.approx(0.0120, rel=0.05)
    assert GlobalGrid(2, 4, (216, 28, 28)).G.std().item() == pytest.approx(8.6e-4, rel=0.05)


@pytest.mark.parametrize(("D", "R"), [(0, 4), (4, 4), (2, 1)])
def test_a_grid_of_impossible_size_is_refused(D, R):
    with pytest.raises(InputError, match="axes"):
        Grid(D, R, 3)


def test_coordinates_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(InputError, match="do not fit a grid with 2 axes"):
        interpolate(torch.zeros(4, 4, 1), torch.zeros(5, 3))


def test_an_unknown_padding_is_refused():
    with pytest.raises(InputError, match='Padding "reflection" is unknown'):
        interpolate(torch.zeros(4, 1), torch.zeros(5, 1), padding_mode="reflection")
