"""The best mixture: feasible, optimal, and exact where the answer is known."""

import pytest
import torch

from gradbook.analysis.mixtures import best_mixture
from gradlib.errors import InputError

CORNER = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_weights_in_a_triangle_are_those_by_hand() -> None:
    x = torch.tensor([[2.0, 0.0], [1.0, 1.0], [3.0, 3.0], [-1.0, -1.0]])
    expected = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(best_mixture(x, CORNER), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("entries", [1, 8, 40])
def test_weights_are_a_mixture_and_no_entry_lies_beyond_the_answer(entries: int) -> None:
    x, e = normal(30, 12), normal(entries, 12, seed=1)
    weights = best_mixture(x, e)
    assert weights.shape == (30, entries)
    assert weights.dtype == x.dtype
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(30))
    left = x - weights @ e  # (N, C)
    beyond = ((e[None] - (weights @ e)[:, None]) * left[:, None]).sum(dim=2)  # (N, M)
    assert beyond.max() < 1e-3, "moving towards an entry would come closer"


def test_mixture_is_never_farther_than_the_nearest_and_more_entries_never_hurt() -> None:
    x, e = normal(30, 12), normal(40, 12, seed=1)
    few, all_of_them = ((x - best_mixture(x, e[:M]) @ e[:M]).norm(dim=1) for M in (10, 40))
    assert (few <= torch.cdist(x, e[:10]).amin(dim=1) + 1e-4).all()
    assert (all_of_them <= few + 1e-4).all()


def test_no_inputs_give_no_weights() -> None:
    assert best_mixture(normal(0, 2), CORNER).shape == (0, 3)


@pytest.mark.parametrize(("x", "e"), [((3,), (2, 3)), ((1, 3), (2, 4)), ((1, 3), (0, 3))])
def test_shapes_that_do_not_fit_are_refused(x: tuple[int, ...], e: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="same number of channels"):
        best_mixture(normal(*x), normal(*e))
