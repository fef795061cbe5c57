"""Discrete memories beside the grids: one stored feature at a time, or a mixture of all (Section 4.2, Table 1).

Both take the grid's place and nothing else changes: the same psi, refinement, budget, and start of the entries. Both
find an entry by what the grid's coordinates are computed from: the patch (local), or the image's mean feature (global).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gradlib.config import MemoryKind
from gradlib.errors import InputError
from gradlib.grids import Memory

DECAY = 0.99  # of the running sums behind each quantised entry, van den Oord et al.'s value
FORGOTTEN = 1e-30  # a running count below this belongs to an entry that no feature has chosen for 6,900 steps


class DiscreteMemory(Memory):
    """M stored features of (C, H, W) each, H = W = 1 for patches: (N, C, H, W) -> (N, C, H, W).

    A kind is built as `kind(M, (C, H, W))` and owns `entries` (M, C, H, W); if gradients train them, it returns them
    from `stored_parameters`.
    """

    entries: Tensor

    def keys(self) -> Tensor:
        """(M, C): the mean of each entry over its places, by which the entry is looked up."""
        return self.entries.mean(dim=(2, 3))

    def stored(self) -> Tensor:
        """The entries (M, C, H, W)."""
        return self.entries

    def entry_count(self) -> int:
        """M."""
        return len(self.entries)


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

    def start_from(self, features: Tensor) -> None:
        """As for every memory; the running sums start there too."""
        super().start_from(features)
        self.total.copy_(self.entries)

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
        self.entries: nn.Parameter = nn.Parameter(xavier_entries(M, shape))
        self.query, self.key = nn.Linear(shape[0], shape[0]), nn.Linear(shape[0], shape[0])

    def stored_parameters(self) -> list[nn.Parameter]:
        """All entries."""
        return [self.entries]

    def weights(self, x: Tensor) -> Tensor:
        """(N, M), non-negative, each row sums to 1."""
        q, k = self.query(x.mean(dim=(2, 3))), self.key(self.keys())  # (N, C), (M, C)
        return (q @ k.T / q.shape[1] ** 0.5).softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights(x) @ self.entries.flatten(1)).view_as(x)


class PerPatch(Memory):
    """A memory of single patches applied at every place of a map: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, memory: DiscreteMemory):
        super().__init__()
        self.memory = memory

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        patches = x.permute(0, 2, 3, 1).reshape(-1, C, 1, 1)  # (B*H*W, C, 1, 1)
        return self.memory(patches).view(B, H, W, C).permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory

    def stored(self) -> Tensor:
        """The entries (M, C, 1, 1)."""
        return self.memory.stored()

    def entry_count(self) -> int:
        """M."""
        return self.memory.entry_count()

    def stored_parameters(self) -> list[nn.Parameter]:
        """Those of the memory."""
        return self.memory.stored_parameters()

    def start_from(self, features: Tensor) -> None:
        """As the memory does."""
        self.memory.start_from(features)


class NoMemory(Memory):
    """No memory in this place: no channels for psi, (B, C, H, W) -> (B, 0, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :0]

    def stored(self) -> Tensor:
        """Nothing."""
        return torch.empty(0)

    def entry_count(self) -> int:
        """0."""
        return 0


# a new kind needs its name in gradlib.config.MemoryKind too
KINDS: dict[str, Callable[[int, tuple[int, int, int]], DiscreteMemory]] = {
    "vq": VectorQuantisation,
    "attention": AttentionMemory,
}


def discrete_memory(kind: MemoryKind, M: int, shape: tuple[int, int, int]) -> DiscreteMemory:
    """A memory of M entries of `shape` = (C, H, W). Raises InputError for another kind or fewer than 1 entry."""
    if kind not in KINDS or M < 1:
        names = ", ".join(f'"{name}"' for name in KINDS)
        raise InputError(f'A discrete memory "{kind}" with {M} entries is impossible: choose {names} and 1 or more.')
    return KINDS[kind](M, shape)


def xavier_entries(M: int, shape: tuple[int, int, int]) -> Tensor:
    """(M, *shape), initialised as the grids are: with the fans of the layout (1, K, M) of a grid with one axis."""
    G = torch.empty(1, shape[0] * shape[1] * shape[2], M)
    nn.init.xavier_normal_(G)
    return G[0].T.contiguous().view(M, *shape)
