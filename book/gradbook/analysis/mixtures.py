"""What a list of stored features can give back at best: a mixture of its entries. Used in {ref}`ch-why-memory`."""

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from gradlib.errors import InputError

HEAVY = 1e3  # weight of the one more equation by which each row of weights sums to 1


def best_mixture(x: Tensor, entries: Tensor) -> Tensor:
    """Weights of the mixture of entries that comes nearest to each input: {eq}`eq-distance` over all mixtures.

    x: (N, C), entries: (M, C), on the CPU and in one unit, of the order of 1. Returns (N, M), not negative, rows sum
    to 1; solved exactly and one input at a time, in time that grows with M and with the entries that a mixture needs.
    Explained in {ref}`ch-why-memory`. Raises InputError unless both are lists of vectors of one length.
    """
    if x.ndim != 2 or entries.ndim != 2 or x.shape[1] != entries.shape[1] or len(entries) < 1:
        raise InputError(
            f"A mixture needs inputs (N, C) and entries (M, C), not {tuple(x.shape)} and {tuple(entries.shape)}: "
            f"make both lists of vectors with the same number of channels."
        )
    A = np.vstack([entries.double().numpy().T, np.full(len(entries), HEAVY)])  # (C + 1, M)
    b = np.hstack([x.double().numpy(), np.full((len(x), 1), HEAVY)])  # (N, C + 1)
    weights = np.array([nnls(A, row)[0] for row in b]).reshape(len(x), len(entries))  # (N, M)
    return torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)).to(x.dtype)
