"""The gradual chain t-9 -> t-6 -> t-3 -> t at one scale (Eq. 3 and 4).

    x = U of the farthest frame
    for each nearer reference:   D = f(x)   K, V = FC(D)   A = FC(U) K   N = A V   x = N
    for the target:              D = f(x)   K, V = FC(D)   A = FC(U) K

Of N only its pooled form is ever needed, since f pools first. With the `linear` affinity of Eq. 4 pooling
commutes with all that happens to U: pool(FC(U) K^T V) = FC(pool(U)) K^T V. So a reference is its pooled maps,
a few hundred tokens, and a hop costs next to nothing. With `softmax` a reference is its whole map.

What a hop hands on is standardised, channel by channel over the tokens of the frame. N itself is a sum over
all tokens of the past, so that its scale depends on the size of the frame, and most of it is the same
everywhere: as it is, the bias of the next P2T and its own mean would hide where the past was found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from openvss.models.layers.resize import size_of
from openvss.models.ov2vss.pooling import P2T, pool, standardise
from openvss.models.ov2vss.presets import Affinity


@dataclass(frozen=True)
class View:
    """One frame at one scale.

    Attributes:
        pooled: What `pooling.pool` gives.
        u: (B, C, h, w); None for a reference that is needed in pooled form only.
    """

    pooled: list[Tensor]
    u: Tensor | None = None


@dataclass(frozen=True)
class Past:
    """What is known of all earlier frames: keys and values (B, S, C) of Eq. 3."""

    key: Tensor
    value: Tensor


class Hop(nn.Module):
    """The weights of one hop: P2T and the three fully connected layers of Eq. 3.

    Args:
        channels: C.
        affinity: Of Eq. 4.
        asks: False for the last hop of a scale of which only the values are wanted.
    """

    def __init__(self, channels: int, affinity: Affinity, asks: bool = True) -> None:
        super().__init__()
        self.affinity = affinity
        self.p2t = P2T(channels)
        # Fully connected, applied to maps. With `linear`, a bias of the query would add the same at all
        # positions, and every map of A and N is standardised over these.
        soft = affinity == "softmax"
        self.query = nn.Conv2d(channels, channels, 1, bias=soft) if asks else nn.Identity()
        self.key = nn.Linear(channels, channels) if asks else nn.Identity()
        self.value = nn.Linear(channels, channels)

    def past(self, pooled: Sequence[Tensor]) -> Past:
        """Keys and values, Eq. 3."""
        d = self.p2t(pooled)
        return Past(self.key(d), self.value(d))

    def affinities(self, u: Tensor, past: Past) -> Tensor:
        """A of Eq. 4: (B, S, h, w), one map for each token of the past."""
        return (past.key @ self.query(u).flatten(2)).unflatten(2, size_of(u))

    def carry(self, frame: View, past: Past) -> list[Tensor]:
        """N of Eq. 4 in pooled form, normalised."""
        if self.affinity == "linear":
            # N will be standardised: 1/S changes nothing but that half precision holds N, and without what
            # all tokens have in common their differences keep more digits.
            mixing = past.key.transpose(1, 2) @ past.value / past.key.shape[1]  # (B, C, C)
            queries = [self.query(x) for x in centre(frame.pooled)]
            return normalise([torch.einsum("bchw,bcd->bdhw", q, mixing) for q in queries])
        assert frame.u is not None
        a = (self.affinities(frame.u, past) / past.key.shape[-1] ** 0.5).softmax(dim=1)
        n = torch.einsum("bshw,bsc->bchw", a, past.value)
        return normalise(pool(n, [size_of(x) for x in frame.pooled]))


def centre(pooled: Sequence[Tensor]) -> list[Tensor]:
    """Each channel minus its mean over all tokens of a frame."""
    mean = torch.cat([x.flatten(2) for x in pooled], dim=2).mean(2)[:, :, None, None]
    return [x - mean for x in pooled]


def normalise(pooled: Sequence[Tensor]) -> list[Tensor]:
    """Each channel standardised over all tokens of a frame."""
    sizes = [size_of(x) for x in pooled]
    tokens = standardise(torch.cat([x.flatten(2) for x in pooled], dim=2), dim=2)  # (B, C, S)
    parts = tokens.split([h * w for h, w in sizes], dim=2)
    return [part.unflatten(2, size) for part, size in zip(parts, sizes, strict=True)]


class Chain(nn.Module):
    """The hops of one scale; a shared hop serves any number of references.

    Args:
        channels: C.
        affinity: Of Eq. 4.
        references: How many there are.
        shared: Whether all hops have the same weights.
        aggregated: Whether the affinity to the target is wanted.
    """

    def __init__(
        self, channels: int, affinity: Affinity, references: int, shared: bool, aggregated: bool = True
    ) -> None:
        super().__init__()
        asks = [True] * (references - 1) + [aggregated]
        self.hops = nn.ModuleList([Hop(channels, affinity, a) for a in ([any(asks)] if shared else asks)])

    def hop(self, i: int) -> Hop:
        """The weights of hop `i`; -1 for the one to the target."""
        return cast(Hop, self.hops[i if len(self.hops) > 1 else 0])

    def past(self, references: Sequence[View]) -> Past:
        """Follow the chain from the farthest reference up to the nearest."""
        first, *nearer = references
        past = self.hop(0).past(first.pooled)
        for i, reference in enumerate(nearer):
            n = self.hop(i).carry(reference, past)
            past = self.hop(i + 1).past(n)
        return past
