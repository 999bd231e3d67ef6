"""SegFormer's decoder: the maps of a pyramid, brought to one width, upsampled and fused."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MlpHead(nn.Module):
    """A pyramid, finest first -> (B, dim, h, w) at the size of its finest map.

    A position-wise layer for each map, bilinear upsampling, and a position-wise layer with batch norm over
    all of them. All is linear up to the norm, so that both layers are one small matrix for each map, which it
    passes before it is upsampled: the same sum for an eighth of the work, and the wide concatenation is
    never made.
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
            second = fuse.get_parameter("weight").flatten(1)
            weight = second @ reduce.get_parameter("weight").flatten(1)  # (dim, channels)
            bias = second @ reduce.get_parameter("bias")
            x = F.conv2d(x.contiguous(memory_format=torch.channels_last), weight[:, :, None, None], bias)
            x = F.interpolate(x, size, mode="bilinear", align_corners=False)
            total = x if total is None else total.add_(x)
        assert total is not None
        return F.relu(self.norm(total))
