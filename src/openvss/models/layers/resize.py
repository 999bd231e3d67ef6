"""Maps of other sizes: averages when they get smaller, bilinear when they get larger."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def size_of(x: Tensor) -> tuple[int, int]:
    """Height and width."""
    return x.shape[-2], x.shape[-1]


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) at another size."""
    if size_of(x) == size:
        return x
    if x.shape[-2] >= size[0] and x.shape[-1] >= size[1]:
        return F.adaptive_avg_pool2d(x, size)
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
