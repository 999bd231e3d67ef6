"""Frames as CLIP's image towers want them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def prepare(frames: Tensor, cell: int) -> Tensor:
    """RGB in 0..1 -> normalised, and stretched to whole cells, so that the grid spans the whole frame."""
    whole = [-(-side // cell) * cell for side in frames.shape[-2:]]
    if list(frames.shape[-2:]) != whole:
        frames = F.interpolate(frames, whole, mode="bilinear", align_corners=False)
    mean, std = frames.new_tensor(MEAN).view(3, 1, 1), frames.new_tensor(STD).view(3, 1, 1)
    return (frames - mean) / std
