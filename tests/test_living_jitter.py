"""The figure of coordinate jitter without a browser: its maths and the distribution of its draws are the library's."""

import numpy as np
import pytest
import torch

from gradbook.living.jitter import Jitter
from gradlib.coordinates import jitter
from gradlib.errors import InputError
from gradlib.grids import LocalGrid
from javascript import call


def flat(c: torch.Tensor) -> list[float]:
    """(1, 2, H, W) as the page holds it: both coordinates of a patch side by side."""
    return c[0].flatten(1).T.flatten().tolist()


@pytest.mark.parametrize("per", ["pixel", "batch"])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_jitter_and_footprint_are_the_library_s(per: str, fraction: float, seed: int) -> None:
    c = 2 * torch.rand(1, 2, 5, 7, dtype=torch.float64) - 1
    c[..., 0, 0], c[..., 0, 1], c[..., 0, 2] = -1.0, 1.0, 3 / 7  # corners and a knot
    shape = (1, 1, 5, 7) if per == "pixel" else (1, 1, 1, 1)
    generator = torch.Generator().manual_seed(seed)  # the same numbers as jitter draws, in its order
    coins, noise = torch.rand(shape, generator=generator), torch.randn(c.shape, generator=generator)
    moved = jitter(c, std=0.3, fraction=fraction, per=per, generator=torch.Generator().manual_seed(seed))

    chance = {"coins": coins.flatten().tolist(), "noise": flat(noise)}
    (places,) = call("jitter_maths", "jittered", [[flat(c), chance, 0.3, fraction]])
    np.testing.assert_allclose(places, flat(moved), atol=1e-6)

    grid = LocalGrid(2, 8, 3).double()
    (gradient,) = torch.autograd.grad(grid(moved)[:, 0].sum(), grid.G)  # of one channel
    (weights,) = call("jitter_maths", "footprint", [[flat(moved), 8]])
    np.testing.assert_allclose(np.reshape(weights, (8, 8)), gradient[..., 0], atol=1e-6)


def test_summary_counts_and_measures() -> None:
    steps, still = np.array([[1.0, 0, 0], [0, 2, 0], [0, 0, 0]]), np.array([1.0, 1, 0])
    (result,) = call("jitter_maths", "summary", [[steps.tolist(), still.tolist()]])
    np.testing.assert_allclose(result["mean"], steps.mean(axis=0))
    np.testing.assert_allclose(result["distances"], np.linalg.norm(steps - still, axis=1))
    assert (result["each"], result["any"]) == ([1, 1, 0], 2)


def test_draws_follow_their_seed_and_their_distribution() -> None:
    one, again, other, batch = call(
        "jitter_maths", "stepNoise", [[7, 20_000, "pixel"], [7, 20_000, "pixel"], [8, 20_000, "pixel"], [7, 5, "batch"]]
    )
    assert one == again
    assert one != other
    assert (len(batch["coins"]), len(batch["noise"])) == (1, 10)
    coins, noise = np.array(one["coins"]), np.array(one["noise"]).reshape(-1, 2)
    np.testing.assert_allclose(np.quantile(coins, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.015)
    np.testing.assert_allclose(np.quantile(noise, [0.025, 0.5, 0.975]), [-1.96, 0, 1.96], atol=0.05)
    np.testing.assert_allclose(np.corrcoef(noise.T)[0, 1], 0, atol=0.03)
    firsts = call("jitter_maths", "stepNoise", [[seed, 1, "batch"] for seed in range(1000)])
    coins = [first["coins"][0] for first in firsts]  # one step's only coin, step after step
    assert np.mean(np.array(coins) < 0.5) == pytest.approx(0.5, abs=0.05)


def test_figure_packs_coordinates_by_name() -> None:
    c = torch.rand(2, 3, 4)
    figure = Jitter({"one": c[:, 0, :1], "cell": c}, per="batch")
    assert (figure.names, figure.counts, figure.per) == (["one", "cell"], [1, 12], "batch")
    np.testing.assert_array_equal(np.frombuffer(figure.places, "<f4").reshape(13, 2)[1:], c.flatten(1).T)
    with pytest.raises(InputError, match="no coordinates"):
        Jitter({})
    with pytest.raises(InputError, match=r'"cell" have shape \(3, 4\)'):
        Jitter({"cell": c[0]})
