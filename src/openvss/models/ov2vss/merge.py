"""What the paper's equations leave out: the target by itself, which STCF and RFE add to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from openvss.models.layers.resize import resize


class Merge(nn.Module):
    """The target by itself: all scales concatenated at one size, then a 1x1 convolution, as in SegFormer.

    The convolution is split by scale and done before a map is enlarged: the same result for less.
    """

    def __init__(self, scales: int, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(channels, channels, 1, bias=i == 0) for i in range(scales)])
        self.norm = nn.GroupNorm(1, channels)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Maps (B, C, h_l, w_l) -> (B, C, *size)."""
        parts = []
        for conv, u in zip(self.convs, maps, strict=True):
            smaller = u.shape[-2] > size[0]
            parts.append(conv(resize(u, size)) if smaller else resize(conv(u), size))
        return torch.relu(self.norm(torch.stack(parts).sum(dim=0)))
