"""P2T pooling: a map of any size becomes a few hundred tokens (Eq. 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Grid = tuple[int, int]
MULTIPLES = (1, 2, 3, 4)
EPS = 1e-8  # variance below which all counts as the same


def pooled_grids(height: int, width: int, stride: int = 32) -> list[Grid]:
    """The four grids that every scale of a frame is pooled to: they follow from the size of the frame alone.

    So all scales have the same number S of tokens, in the same places, whatever the size.
    """
    return [(max(1, round(height / (stride * k))), max(1, round(width / (stride * k)))) for k in MULTIPLES]


def pool(u: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
    """Averages of a map (B, C, h, w) over the cells of each grid."""
    return [F.adaptive_avg_pool2d(u, grid) for grid in grids]


def standardise(x: Tensor, dim: int) -> Tensor:
    """Mean 0 and variance 1 along a dimension, in single precision whatever is around it."""
    x = x.float()
    return (x - x.mean(dim, keepdim=True)) * (x.var(dim, correction=0, keepdim=True) + EPS).rsqrt()


class P2T(nn.Module):
    """D = f(U), Eq. 2: a depth-wise convolution refines each pooled map, then all tokens are normalised.

    It takes what `pool` gives, so that a frame is pooled once, however often it is looked at.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv2d(channels, channels, 3, padding=1, groups=channels) for _ in MULTIPLES]
        )
        self.norm = nn.LayerNorm(channels)

    def forward(self, pooled: Sequence[Tensor]) -> Tensor:
        """Maps (B, C, h_k, w_k) -> tokens (B, S, C), S the sum of all h_k w_k."""
        refined = [(x + conv(x)).flatten(2) for x, conv in zip(pooled, self.convs, strict=True)]
        return self.norm(torch.cat(refined, dim=2).transpose(1, 2))
