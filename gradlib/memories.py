"""Discrete memories beside the grids: one stored feature at a time, or a mixture of all (Section 4.2, Table 1).

Both take the grid's place and nothing else changes: the same psi, refinement, budget, and start of the entries. Both
find an entry by what the grid's coordinates are computed from: the patch (local), or the image's mean feature (global).
"""

import torch
from torch import Tensor, nn

from gradlib.config import MemoryKind
from gradlib.errors import InputError

DECAY = 0.99  # of the running sums behind each quantised entry, van den Oord et al.'s value
FORGOTTEN = 1e-30  # a running count below this belongs to an entry that no feature has chosen for 6,900 steps


class DiscreteMemory(nn.Module):
    """M stored features of (C, H, W) each, H = W = 1 for patches: (N, C, H, W) -> (N, C, H, W)."""

    entries: Tensor

    def keys(self) -> Tensor:
        """(M, C): what an entry is found by, its mean over places."""
        return self.entries.mean(dim=(2, 3))


class VectorQuantisation(DiscreteMemory):
    """The one entry that is nearest to the input (Fig. 1a, Eq. {eq}`eq-vq`).

    The entries are running means of the features that chose them. No gradient reaches them, as in van den Oord et al.,
    Neural Discrete Representation Learning, 2017 (Appendix A.1).
    """

    def __init__(self, M: int, shape: tuple[int, int, int]):
        super().__init__()
        self.register_buffer("entries", xavier_entries(M, shape))
        self.register_buffer("count", torch.ones(M))
        self.register_buffer("total", self.entries.clone())

    count: Tensor
    total: Tensor

    def forward(self, x: Tensor) -> Tensor:
        q = x.mean(dim=(2, 3))  # (N, C)
        nearest = torch.cdist(q, self.keys()).argmin(dim=1)  # (N,)
        f = self.entries[nearest]  # (N, C, H, W), before this batch moves the entries
        if self.training:
            self._learn(x.detach(), nearest)
        return f

    def _learn(self, x: Tensor, nearest: Tensor) -> None:
        count = torch.zeros_like(self.count).index_add_(0, nearest, torch.ones_like(nearest, dtype=self.count.dtype))
        total = torch.zeros_like(self.total).index_add_(0, nearest, x)
        self.count.lerp_(count, 1 - DECAY)
        self.total.lerp_(total, 1 - DECAY)
        count = self.count[:, None, None, None]  # (M, 1, 1, 1)
        # below FORGOTTEN both sums lose their digits, and their ratio its meaning
        self.entries.copy_(torch.where(count > FORGOTTEN, self.total / count, self.entries))


class AttentionMemory(DiscreteMemory):
    """A mixture of all entries by softmax(q k / sqrt(C)), input and keys projected by learnt maps.

    Fig. 1b, Eq. {eq}`eq-attention`.
    """

    def __init__(self, M: int, shape: tuple[int, int, int]):
        super().__init__()
        self.entries = nn.Parameter(xavier_entries(M, shape))
        self.query, self.key = nn.Linear(shape[0], shape[0]), nn.Linear(shape[0], shape[0])

    def weights(self, x: Tensor) -> Tensor:
        """(N, M), non-negative, each row sums to 1."""
        q, k = self.query(x.mean(dim=(2, 3))), self.key(self.keys())  # (N, C), (M, C)
        return (q @ k.T / q.shape[1] ** 0.5).softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights(x) @ self.entries.flatten(1)).view_as(x)


class PerPatch(nn.Module):
    """A memory of single patches applied to every place of a map: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, memory: DiscreteMemory):
        super().__init__()
        self.memory = memory

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        patches = x.permute(0, 2, 3, 1).reshape(-1, C, 1, 1)  # (B*H*W, C, 1, 1)
        return self.memory(patches).view(B, H, W, C).permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory


def discrete_memory(kind: MemoryKind, M: int, shape: tuple[int, int, int]) -> DiscreteMemory:
    """A memory by name. Raises InputError for another kind or fewer than 1 entry."""
    kinds: dict[str, type[VectorQuantisation | AttentionMemory]] = {
        "vq": VectorQuantisation,
        "attention": AttentionMemory,
    }
    if kind not in kinds or M < 1:
        raise InputError(
            f'A memory "{kind}" of {M} entries is not known: choose "grid", "vq", "attention" or "none", and 1 or more.'
        )
    return kinds[kind](M, shape)


def xavier_entries(M: int, shape: tuple[int, int, int]) -> Tensor:
    """(M, *shape), drawn as the grids are: with the fans of the layout (1, K, M) of a grid with one axis."""
    G = torch.empty(1, shape[0] * shape[1] * shape[2], M)
    nn.init.xavier_normal_(G)
    return G[0].T.contiguous().view(M, *shape)


@torch.no_grad()
def start_from_features(memory: nn.Module, features: Tensor) -> None:
    """Put features (M, C, H, W) into the M entries of a discrete memory or the M = R^D knots of a grid, in their order.

    What the entries held is added, so that two entries with the same feature do not stay the same.
    """
    store = memory.memory if isinstance(memory, PerPatch) else memory
    entries = store.entries if isinstance(store, DiscreteMemory) else store.G
    assert isinstance(entries, Tensor)
    entries.add_(features.reshape(entries.shape))
    if isinstance(store, VectorQuantisation):
        store.total.copy_(store.entries)


def number_of_entries(memory: nn.Module) -> int:
    """M: how many features a grid or memory stores."""
    store = memory.memory if isinstance(memory, PerPatch) else memory
    if isinstance(store, DiscreteMemory):
        return len(store.entries)
    assert isinstance(store.G, Tensor)
    return store.G[..., 0].numel()
