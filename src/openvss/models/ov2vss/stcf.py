"""Spatial-Temporal Context Fusion: the target seen through the tokens of its past (Eq. 2 to 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from openvss.models.ov2vss.affinity import SCALES, AffinityAggregation
from openvss.models.ov2vss.chain import Chain, Past, View
from openvss.models.ov2vss.presets import Affinity, Aggregation

FrameViews = Sequence[View]  # of every scale, finest first


class STCF(nn.Module):
    """O_t: at every position of the target a sum of the values of the past, weighted by affinity.

    The values come from all scales, the affinities from the deepest three.

    Args:
        scales: Number of scales.
        channels: C.
        affinity: `linear`, or `softmax` over the tokens in Eq. 4 and 6.
        plan: Convolutions of the aggregation.
        references: How many there are.
        shared: Whether all hops of the chain have the same weights.
    """

    def __init__(
        self,
        scales: int,
        channels: int,
        affinity: Affinity = "linear",
        plan: Aggregation = "b2",
        references: int = 3,
        shared: bool = True,
    ) -> None:
        super().__init__()
        self.affinity = affinity
        self.chains = nn.ModuleList(
            [Chain(channels, affinity, references, shared, i >= scales - SCALES) for i in range(scales)]
        )
        self.aggregate = AffinityAggregation(plan)
        self.values = nn.Linear(scales * channels, channels)
        self.norm = nn.GroupNorm(1, channels)

    def past(self, references: Sequence[FrameViews]) -> list[Past]:
        """The chain of every scale, farthest reference first."""
        return [chain.past([frame[i] for frame in references]) for i, chain in enumerate(self._scales)]

    def forward(self, target: FrameViews, past: Sequence[Past]) -> Tensor:
        """O_t of Eq. 6, normalised: (B, C, h, w) at the finest scale whose affinity is aggregated."""
        affinities = []  # deepest first
        for chain, view, known in list(zip(self._scales, target, past, strict=True))[: -SCALES - 1 : -1]:
            assert view.u is not None
            affinities.append(chain.hop(-1).affinities(view.u, known))
        b = self.aggregate(affinities)  # (B, S, h, w)
        if self.affinity == "softmax":
            b = b.softmax(dim=1)
        values = self.values(torch.cat([known.value for known in past], dim=-1))  # (B, S, C)
        return self.norm(torch.einsum("bshw,bsc->bchw", b, values))

    def carry(self, frame: FrameViews, past: Sequence[Past]) -> list[list[Tensor]]:
        """Recurrent mode: what the next frame finds of this one and all before, N of every scale."""
        return [
            chain.hop(0).carry(view, known)
            for chain, view, known in zip(self._scales, frame, past, strict=True)
        ]

    def recall(self, carried: Sequence[Sequence[Tensor]]) -> list[Past]:
        """Recurrent mode: keys and values of what was carried."""
        return [chain.hop(0).past(n) for chain, n in zip(self._scales, carried, strict=True)]

    @property
    def _scales(self) -> list[Chain]:
        return [cast(Chain, chain) for chain in self.chains]
