"""Random Frame Enhancement: the target looks at the soft regions of a distant frame (Eq. 8 to 10)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from openvss.models.layers.attention import attend
from openvss.models.ov2vss.pooling import P2T


class RFE(nn.Module):
    """L_r of a distant frame, and the target's attention to it.

    Args:
        scales: Number of scales.
        channels: C.
        regions: Soft regions; unrelated to any number of words.
        heads: Of the attention.
    """

    def __init__(self, scales: int, channels: int, regions: int = 64, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.p2t = nn.ModuleList([P2T(channels) for _ in range(scales)])
        self.gather = nn.Linear(scales * channels, channels)
        # 1x1: neighbours in the order of the tokens are not neighbours in the frame
        self.assign = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.ReLU(), nn.Linear(2 * channels, regions)
        )
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels)

    def tokens(self, scales: Sequence[Sequence[Tensor]]) -> Tensor:
        """D_random of Eq. 8: the pooled maps of every scale -> (B, S, C)."""
        d = [p2t(pooled) for p2t, pooled in zip(self.p2t, scales, strict=True)]
        return self.gather(torch.cat(d, dim=-1))

    def regions(self, tokens: Tensor) -> Tensor:
        """L_r of Eq. 9: (B, S, C) -> (B, regions, C), each a mean of the tokens that belong to it."""
        return torch.einsum("bsr,bsc->brc", self.assign(tokens).softmax(dim=1), tokens)

    def forward(self, o: Tensor, regions: Tensor) -> Tensor:
        """Eq. 10: O_t (B, C, h, w) attends to the regions (B, R, C)."""
        query = self.query(o.flatten(2).transpose(1, 2))
        seen = attend(query, self.key(regions), self.value(regions), self.heads)
        return self.project(seen).transpose(1, 2).unflatten(2, o.shape[-2:])
