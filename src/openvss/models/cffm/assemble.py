"""Coarse-to-fine feature assembling (CFFA): frames are pooled, the farther the more coarsely."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.cffm.geometry import Geometry, Pooling


class Pool(nn.Module):
    """Learned pooling of one frame: p x p positions -> one cell, with weights shared by all channels (Eq. 2).

    Where the cells of a window do not divide its side, the authors first shrink the map bilinearly: 7
    positions of a window to 6 for 2 or 3 cells. Both steps are linear, so that one small matrix does both.
    """

    resize: Tensor

    def __init__(self, geometry: Geometry, pooling: Pooling) -> None:
        super().__init__()
        self.window, self.cells = geometry.window, pooling.cells
        self.side = geometry.window // pooling.cells  # of a cell, in positions of the shrunk map
        self.weight = nn.Parameter(torch.full((self.side, self.side), 1 / self.side**2))  # starts as the mean
        self.bias = nn.Parameter(torch.zeros(1))
        shrink = _shrink(geometry.window, self.cells * self.side, geometry.shift(pooling))
        self.register_buffer("resize", shrink.view(self.cells, self.side, -1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, C), whole windows -> (B, windows * cells**2, C)."""
        reach = self.resize.shape[-1]  # a shifted cell reaches into the next window
        x = F.pad(x, (0, 0, 0, reach - self.window, 0, reach - self.window))
        patches = x.unfold(1, reach, self.window).unfold(
            2, reach, self.window
        )  # (B, rows, columns, C, reach, reach)
        kernel = torch.einsum("aui,bvj,uv->abij", self.resize, self.resize, self.weight)
        cells = torch.einsum("bmncij,apij->bmnapc", patches, kernel)
        return cells.flatten(1, 4) + self.bias


class Assemble(nn.Module):
    """The pooled tokens of the target and of all references, one after the other (Eq. 2 and 3)."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.window = geometry.window
        self.pools = nn.ModuleList(Pool(geometry, pooling) for pooling in geometry.pooled)

    def forward(self, target: Tensor, references: list[Tensor]) -> Tensor:
        """Maps (B, h, w, C) -> (B, n, C)."""
        frames = [target, *references]
        return torch.cat(
            [pool(self._whole(frame)) for pool, frame in zip(self.pools, frames, strict=True)], dim=1
        )

    def _whole(self, x: Tensor) -> Tensor:
        """Zeros below and to the right, up to whole windows."""
        return F.pad(x, (0, 0, 0, -x.shape[2] % self.window, 0, -x.shape[1] % self.window))


def _shrink(window: int, length: int, shift: float) -> Tensor:
    """Rows of bilinear weights that take a window's positions to `length` ones: (length, reach)."""
    centres = [(i + 0.5) * (window / length) - 0.5 + shift for i in range(length)]
    reach = max(window, math.ceil(centres[-1]) + 1)
    return torch.tensor([[max(0.0, 1 - abs(c - j)) for j in range(reach)] for c in centres])
