"""Dual-embedding aggregation (DEA): what CLIP sees, sharpened by what SAM sees."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.layers.attention import attend, perceptron
from openvss.models.stseg.presets import SharpeningOptions


class Attention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V with bias-free projections and nothing behind it, and Q for the residual."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim, bias=False)
        self.k = nn.Linear(dim, dim, bias=False)
        self.v = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, n, D) look at (B, m, D): their queries, and what they found."""
        q = self.q(x)
        return q, attend(q, self.k(source), self.v(source), self.heads)


class DEA(nn.Module):
    """F_c of CLIP and F_s of SAM -> F_cv on the grid of F_c (Eq. 1-4).

    Args:
        dim: Of F_c and of F_cv.
        sam_dim: Of F_s.
        heads: As for `SharpeningOptions`, like the rest.
    """

    def __init__(
        self,
        dim: int = 640,
        sam_dim: int = 256,
        heads: int = SharpeningOptions.heads,
        init: Literal["identity", "random"] = SharpeningOptions.init,
        keep_sam_grid: bool = SharpeningOptions.keep_sam_grid,
    ) -> None:
        super().__init__()
        self.keep_sam_grid = keep_sam_grid
        self.align = nn.Conv2d(sam_dim, dim, 1)
        self.align_norm = nn.LayerNorm(dim)
        self.cross = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.own = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.ffn = perceptron(dim)
        self.norm3 = nn.LayerNorm(dim)
        for attention in (self.cross, self.own):
            for layer in (attention.q, attention.k, attention.v):
                nn.init.xavier_uniform_(layer.weight)
        if init == "identity":
            self._start_as_identity()

    def forward(self, clip: Tensor, sam: Tensor) -> Tensor:
        """F_c (B, D, h, w) and F_s (B, S, h', w') -> F_cv (B, D, h, w)."""
        h, w = clip.shape[-2:]
        x = clip.flatten(2).transpose(1, 2)
        source = self._align(sam, (h, w))
        q, found = self.cross(x, source)  # Eq. 1
        x = self.norm1(q + found)  # Eq. 2: the residual is Q, not F_c
        x = self.norm2(x + self.own(x, x)[1])  # Eq. 3
        x = self.norm3(x + self.ffn(x))  # Eq. 4
        return x.transpose(1, 2).unflatten(2, (h, w))

    def _align(self, sam: Tensor, grid: tuple[int, int]) -> Tensor:
        """F_s at the width of F_c, and unless told otherwise on its grid, as tokens (B, m, D)."""
        aligned = self.align_norm(self.align(sam).permute(0, 2, 3, 1))
        if not self.keep_sam_grid:
            aligned = F.adaptive_avg_pool2d(aligned.permute(0, 3, 1, 2), grid).permute(0, 2, 3, 1)
        return aligned.flatten(1, 2)

    def _start_as_identity(self) -> None:
        nn.init.eye_(self.cross.q.weight)
        nn.init.zeros_(self.cross.v.weight)
        nn.init.zeros_(self.own.v.weight)
        last = self.ffn[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
