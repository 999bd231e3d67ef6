"""The gradual chain t-9 -> t-6 -> t-3 -> t at one scale (Eq. 3 and 4).

    x = U of the farthest frame
    for each nearer reference:   D = f(x)   K, V = FC(D)   A = FC(U) K   N = A V   x = N
    for the target:              D = f(x)   K, V = FC(D)   A = FC(U) K

Of N only its pooled form is ever needed, since f pools first. With the `linear` affinity of Eq. 4 pooling
commutes with all that happens to U: pool(FC(U) K^T V) = FC(pool(U)) K^T V. So a reference is its pooled maps,
a few hundred tokens, and a hop costs next to nothing. With `softmax` a reference is its whole map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from openvss.models.layers.resize import size_of
from openvss.models.ov2vss.options import Affinity
from openvss.models.ov2vss.pooling import P2T, pool


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
        # fully connected, applied to maps
        self.query = nn.Conv2d(channels, channels, 1) if asks else nn.Identity()
        self.key = nn.Linear(channels, channels) if asks else nn.Identity()
        self.value = nn.Linear(channels, channels)

    def past(self, pooled: Sequence[Tensor]) -> Past:
        """Keys and values, Eq. 3."""
        d = self.p2t(pooled)
        return Past(self.key(d), self.value(d))

    def affinities(self, u: Tensor, past: Past) -> Tensor:
        """A of Eq. 4, over sqrt(C): (B, S, h, w), one map for each token of the past."""
        a = past.key @ self.query(u).flatten(2) / past.key.shape[-1] ** 0.5
        return a.unflatten(2, size_of(u))

    def carry(self, frame: View, past: Past) -> list[Tensor]:
        """N of Eq. 4, over S, in pooled form."""
        if self.affinity == "linear":
            s, c = past.key.shape[-2:]
            mixing = past.key.transpose(1, 2) @ past.value / (s * c**0.5)  # (B, C, C)
            return [torch.einsum("bchw,bcd->bdhw", self.query(x), mixing) for x in frame.pooled]
        assert frame.u is not None
        a = self.affinities(frame.u, past).softmax(dim=1)
        return pool(torch.einsum("bshw,bsc->bchw", a, past.value), [size_of(x) for x in frame.pooled])


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
