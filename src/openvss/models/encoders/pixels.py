"""Frames as encoders want them: normalised, and in whole cells."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.constants import built_once

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

ChannelValues = tuple[float, float, float]


def normalise(
    frames: Tensor, mean: ChannelValues = IMAGENET_MEAN, std: ChannelValues = IMAGENET_STD
) -> Tensor:
    """RGB in 0..1 -> the statistics that the weights were trained with."""
    return (frames - per_channel(mean, frames.dtype, frames.device)) / per_channel(
        std, frames.dtype, frames.device
    )


@built_once(16)
def per_channel(colour: ChannelValues, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(3, 1, 1)."""
    return torch.tensor(colour, dtype=dtype, device=device).view(3, 1, 1)


def whole_cells(frames: Tensor, cell: int) -> Tensor:
    """Stretched to multiples of `cell` if needed, so that a grid of cells spans exactly the frame."""
    size = [-(-side // cell) * cell for side in frames.shape[-2:]]
    if list(frames.shape[-2:]) == size:
        return frames
    return F.interpolate(frames, size, mode="bilinear", align_corners=False)
