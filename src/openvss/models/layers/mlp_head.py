"""SegFormer's decoder: the maps of a pyramid, brought to one width, upsampled and fused."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class MlpHead(nn.Module):
    """A pyramid, finest first -> (B, dim, h, w) at the size of its finest map.

    A position-wise layer for each map, bilinear upsampling, and a position-wise layer with batch norm over
    all of them. The fusing layer is linear up to its norm, so that each map passes its own part of it before
    it is upsampled: the same sum for less than half of the work, and the wide concatenation is never made.
    """

    def __init__(self, channels: Sequence[int], dim: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Conv2d(width, dim, 1) for width in channels)
        self.fuse = nn.ModuleList(nn.Conv2d(dim, dim, 1, bias=False) for _ in channels)
        self.norm = nn.BatchNorm2d(dim)

    def forward(self, maps: list[Tensor]) -> Tensor:
        size = maps[0].shape[-2:]
        total: Tensor | None = None
        for reduce, fuse, x in zip(self.reduce, self.fuse, maps, strict=True):
            part = F.interpolate(fuse(reduce(x)), size, mode="bilinear", align_corners=False)
            total = part if total is None else total + part
        assert total is not None
        return F.relu(self.norm(total))
