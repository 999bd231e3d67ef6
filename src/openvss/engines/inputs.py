"""Pixels to model input: the one place where frames are resized."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MULTIPLE = 32  # every encoder's deepest stride: the grid then covers the frame exactly
LONGEST = 4  # a ribbon-shaped frame is capped at this many short sides


def input_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size at which a model sees a frame: the short side scaled, both sides rounded to whole cells."""
    scale = min(short_side / min(height, width), LONGEST * short_side / max(height, width))
    return _round(height * scale), _round(width * scale)


def shrink(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, h, w) uint8, smoothed where it gets smaller."""
    import torch
    import torch.nn.functional as F

    image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]  # copied: the frame may be read-only
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def to_input(image: Tensor, device: torch.device) -> Tensor:
    """(1, 3, h, w) uint8 -> float RGB in 0..1 on the device."""
    import torch

    return image.to(device).float().div_(255).contiguous(memory_format=torch.channels_last)


def _round(length: float) -> int:
    return max(MULTIPLE, round(length / MULTIPLE) * MULTIPLE)
