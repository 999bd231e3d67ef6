"""Random Frame Enhancement: the target looks at the soft regions of a distant frame (Eq. 8 to 10)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from openvss.models.layers.attention import attend
from openvss.models.ov2vss.pooling import P2T, standardise

# Standard deviation, over the tokens, of the input of a region's softmax. Left to the layers that make
# it, it starts so small that every region is the mean of the whole frame.
SHARPNESS = 2.0


class RFE(nn.Module):
    """L_r of a distant frame, and the target's attention to it.

    Args:
        scales: Number of scales.
        channels: C.
        regions: Soft regions; independent of the number of words.
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
        self.norm_target, self.norm_regions = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels)
        self.norm = nn.GroupNorm(1, channels)

    def tokens(self, scales: Sequence[Sequence[Tensor]]) -> Tensor:
        """D_random of Eq. 8: the pooled maps of every scale -> (B, S, C).

        Each channel is standardised over the frame: tokens of one frame are much alike, and so would be the
        regions that are means of them.
        """
        d = [p2t(pooled) for p2t, pooled in zip(self.p2t, scales, strict=True)]
        return standardise(self.gather(torch.cat(d, dim=-1)), dim=1)

    def regions(self, tokens: Tensor) -> Tensor:
        """L_r of Eq. 9: (B, S, C) -> (B, regions, C), each a mean of the tokens that belong to it."""
        claims = SHARPNESS * standardise(self.assign(tokens), dim=1)
        return torch.einsum("bsr,bsc->brc", claims.softmax(dim=1), tokens)

    def forward(self, o: Tensor, regions: Tensor) -> Tensor:
        """Eq. 10, normalised: O_t (B, C, h, w) attends to the regions (B, R, C)."""
        query = self.query(self.norm_target(o.flatten(2).transpose(1, 2)))
        known = self.norm_regions(regions)
        seen = attend(query, self.key(known), self.value(known), self.heads)
        return self.norm(self.project(seen).transpose(1, 2).unflatten(2, o.shape[-2:]))
