"""The best reconstruction from a list of stored features: a mixture of its entries."""

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from gradlib.errors import InputError

SUM_WEIGHT = 1e3  # of the extra equation that makes each row of weights sum to 1


def best_mixture(x: Tensor, entries: Tensor) -> Tensor:
    """Weights (N, M) of the mixture of entries that is nearest to each input ({eq}`eq-distance` over all mixtures).

    x: (N, C), entries: (M, C), on the CPU, in the same units and of the order of 1. The weights are not negative and
    sum to 1; each input is solved exactly and by itself, in a time that grows with M and with the number of entries in
    its mixture. Explained in {ref}`ch-why-memory`. Raises InputError unless both are lists of vectors of one length.
    """
    if x.ndim != 2 or entries.ndim != 2 or x.shape[1] != entries.shape[1] or len(entries) < 1:
        raise InputError(
            f"A mixture needs inputs (N, C) and entries (M, C), not {tuple(x.shape)} and {tuple(entries.shape)}: "
            "give two lists of vectors with the same number of channels."
        )
    A = np.vstack([entries.double().numpy().T, np.full(len(entries), SUM_WEIGHT)])  # (C + 1, M)
    b = np.hstack([x.double().numpy(), np.full((len(x), 1), SUM_WEIGHT)])  # (N, C + 1)
    weights = np.array([nnls(A, row)[0] for row in b]).reshape(len(x), len(entries))  # (N, M)
    return torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)).to(x.dtype)
