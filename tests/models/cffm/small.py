"""A backbone of a few hundred weights with MiT's strides."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class Pyramid(nn.Module):
    channels = (8, 16, 24, 32)
    strides = (4, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *self.channels)
        self.stages = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=4 if a == 3 else 2, padding=1) for a, b in pairwise(widths)
        )

    def forward(self, frames: Tensor) -> list[Tensor]:
        maps, x = [], frames
        for stage in self.stages:
            x = torch.tanh(stage(x))
            maps.append(x)
        return maps
