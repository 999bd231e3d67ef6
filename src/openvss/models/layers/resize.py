"""Maps of other sizes: averages when they get smaller, bilinear when they get larger."""

from __future__ import annotations

import torch
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
        return means(x, size)
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def means(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) at a smaller size; exported models have maps whose sizes divide each other."""
    if torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return F.avg_pool2d(x, (int(x.shape[-2] // size[0]), int(x.shape[-1] // size[1])))
    return F.adaptive_avg_pool2d(x, size)


def at_most(frames: Tensor, pixels: int | None) -> Tensor:
    """Frames shrunk to about that many pixels, keeping their aspect ratio."""
    height, width = size_of(frames)
    if pixels is None or height * width <= pixels:
        return frames
    ratio = (pixels / (height * width)) ** 0.5
    size = (round(height * ratio), round(width * ratio))
    return F.interpolate(frames, size, mode="bilinear", align_corners=False, antialias=True)
