"""UniAD: reconstruction by a transformer that may not look at what it reconstructs (You et al. 2022, Section 3)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradlib.config import StoredConfig
from gradlib.errors import InputError
from gradlib.processes import ALONE, Shard
from gradlib.standardise import FeatureModel


@dataclass(frozen=True)
class UniadConfig(StoredConfig):
    """Everything that determines a UniAD model but its weights; the defaults are its authors'."""

    channels: int = 272  # C: EfficientNet-b4's first four stages, concatenated
    map_size: tuple[int, int] = (14, 14)  # H, W
    hidden: int = 256  # D, the tokens' width inside
    feedforward: int = 1024
    heads: int = 8
    layers: int = 4  # of the encoder, and as many of the decoder
    dropout: float = 0.1
    neighbour: int = 7  # n: no attention within the n x n window around a token; 0 for full attention
    jitter_scale: float = 20.0  # alpha
    jitter_probability: float = 1.0  # p, for each image
    standardise: bool = False  # our departure, as in GradConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden % 2 or self.hidden % self.heads:
            raise InputError(
                f"UniAD's hidden width must be even and a multiple of its {self.heads} heads, not {self.hidden}."
            )


class UniadOutput(NamedTuple):
    """What one forward pass yields, in the model's (possibly standardised) feature units."""

    features: Tensor  # f_org (B, C, H, W), without jitter
    reconstruction: Tensor  # f_rec (B, C, H, W)

    @property
    def loss(self) -> Tensor:
        """The mean squared error between f_org and f_rec, a scalar."""
        return F.mse_loss(self.reconstruction, self.features)

    @property
    def error(self) -> Tensor:
        """s (B, H, W), the length of f_org - f_rec at each pixel (Section 3, inference)."""
        return torch.linalg.vector_norm(self.features - self.reconstruction, dim=1)


def neighbour_mask(H: int, W: int, n: int) -> Tensor:
    """True where query token i must not see key token j: (H*W, H*W), row by row (Section 3, neighbor masked attention).

    j is hidden from i if it lies in the n x n window centred on i, i itself included; n = 0 hides nothing.
    Raises InputError if n is neither odd nor 0, or if some token would see nothing.
    """
    if n < 0 or (n and n % 2 == 0):
        raise InputError(f"The neighbourhood must be an odd number of tokens, or 0 for full attention, not {n}.")
    tokens = torch.cartesian_prod(torch.arange(H), torch.arange(W))  # (H*W, 2)
    distance = (tokens[:, None] - tokens).abs().amax(dim=2)  # (H*W, H*W), in Chebyshev's sense
    mask = 2 * distance < n
    if bool(mask.all(dim=1).any()):
        raise InputError(f"A neighbourhood of {n} hides a whole {H} x {W} map from some token: choose a smaller one.")
    return mask


def feature_jitter(
    tokens: Tensor, *, scale: float, probability: float, generator: torch.Generator | None, shard: Shard = ALONE
) -> Tensor:
    """Add D ~ N(0, (alpha ||f_tok||_2 / C)^2) to each token, alpha = scale (Section 3, feature jittering).

    tokens: (B, N, C), same shape back. Each image is jittered with the given probability. shard: as in
    `gradlib.coordinates.jitter`.
    """
    rank, world_size = shard
    B, N, C = tokens.shape
    sigma = scale * torch.linalg.vector_norm(tokens, dim=2, keepdim=True) / C  # (B, N, 1)
    jittered = torch.rand(B * world_size, 1, 1, device=tokens.device, generator=generator) < probability
    noise = torch.randn(B * world_size, N, C, device=tokens.device, generator=generator)
    return tokens + sigma * (noise * jittered)[rank::world_size]  # (B, N, C)


@contextmanager
def global_randomness_from(generator: torch.Generator | None, device: torch.device, rank: int) -> Iterator[None]:
    """Make dropout, which draws from torch's global random state, depend on `generator` (if given) and rank alone."""
    if generator is None:
        yield
        return
    seed = int(torch.randint(2**62, (), device=generator.device, generator=generator))
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(seed + rank)
        yield


class Layer(nn.Module):
    """Attentions to one source after the other, then a feed-forward network, with shortcuts (Section 3, Fig. 3).

    One attention makes an encoder layer, two a layer of the layer-wise query decoder.
    z (B, H*W, D), sources each (B, H*W, D), position (H*W, D), mask as in neighbour_mask -> (B, H*W, D).
    """

    def __init__(self, config: UniadConfig, attentions: int):
        super().__init__()
        D, p = config.hidden, config.dropout
        self.attentions = nn.ModuleList(
            nn.MultiheadAttention(D, config.heads, dropout=p, batch_first=True) for _ in range(attentions)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(D) for _ in range(attentions))
        self.feedforward = nn.Sequential(
            nn.Linear(D, config.feedforward), nn.ReLU(), nn.Dropout(p), nn.Linear(config.feedforward, D)
        )
        self.last_norm = nn.LayerNorm(D)
        self.dropout = nn.Dropout(p)

    def forward(self, z: Tensor, sources: Sequence[Tensor], position: Tensor, mask: Tensor) -> Tensor:
        for attention, norm, source in zip(self.attentions, self.norms, sources, strict=True):
            seen, _ = attention(z + position, source + position, source, attn_mask=mask, need_weights=False)
            z = norm(z + self.dropout(seen))  # (B, H*W, D)
        return self.last_norm(z + self.dropout(self.feedforward(z)))


class UniAD(FeatureModel):
    """A unified model for multi-class anomaly detection (You et al. 2022): x (B, C, H, W) -> UniadOutput.

    Trained by gradlib.train.fit and scored by gradlib.inference.distances, as GRAD is.
    """

    config: UniadConfig
    mask: Tensor

    def __init__(self, config: UniadConfig):
        super().__init__(config)
        C, D, (H, W) = config.channels, config.hidden, config.map_size
        self.project, self.recover = nn.Linear(C, D), nn.Linear(D, C)
        self.rows, self.columns = nn.Parameter(torch.rand(H, D // 2)), nn.Parameter(torch.rand(W, D // 2))
        self.encoder = nn.ModuleList(Layer(config, attentions=1) for _ in range(config.layers))
        self.decoder = nn.ModuleList(Layer(config, attentions=2) for _ in range(config.layers))
        self.queries = nn.ParameterList(torch.randn(H * W, D) for _ in range(config.layers))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)  # as torch.nn.Transformer
        self.register_buffer("mask", neighbour_mask(H, W, config.neighbour), persistent=False)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None, shard: Shard = ALONE) -> UniadOutput:
        """Reconstruct x (B, C, H, W); jitter and dropout act only during training and draw from `generator`.

        shard: which images of a batch x holds; jitter is drawn for the whole batch, dropout for this shard alone.
        Raises InputError if x does not have the model's shape.
        """
        config = self.config
        x = self.standardised(x.float())  # (B, C, H, W)
        tokens = x.flatten(2).transpose(1, 2)  # (B, H*W, C)
        if self.training and config.jitter_scale > 0:
            tokens = feature_jitter(
                tokens,
                scale=config.jitter_scale,
                probability=config.jitter_probability,
                generator=generator,
                shard=shard,
            )
        with global_randomness_from(generator if self.training else None, x.device, shard[0]):
            f_rec = self.reconstruct(tokens).float()  # (B, H*W, C)
        return UniadOutput(x, f_rec.transpose(1, 2).unflatten(2, config.map_size))  # (B, C, H, W) both

    def reconstruct(self, tokens: Tensor) -> Tensor:
        """Encoder and layer-wise query decoder: f_tok (B, H*W, C), same shape back (Section 3, Fig. 3).

        Each decoder layer fuses its own query with the encoder's output, then with the layer before (at first: again).
        """
        (H, W), half = self.config.map_size, self.config.hidden // 2
        rows, columns = self.rows[:, None].expand(H, W, half), self.columns.expand(H, W, half)
        position = torch.cat((rows, columns), dim=2).flatten(0, 1)  # (H*W, D)
        z = self.project(tokens)  # (B, H*W, D)
        for layer in self.encoder:
            z = layer(z, [z], position, self.mask)
        out = z
        for layer, query in zip(self.decoder, self.queries, strict=True):
            out = layer(query.repeat(len(z), 1, 1), [z, out], position, self.mask)
        return self.recover(out)
