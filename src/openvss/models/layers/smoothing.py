"""Temporal smoothing of dense features."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def smooth(current: Tensor, before: Tensor | None, momentum: float, floor: float | Tensor = 0.8) -> Tensor:
    """Exponential moving average of unit features along time, switched off where the picture changed.

    Confidence that a position still shows the same thing is the cosine of what is seen and what is
    remembered, from 0 at `floor` to 1: still parts are averaged over many frames, moving ones start afresh.

    Args:
        current: (B, D, h, w), unit length along D.
        before: The result for the last frame; None for the first, or for one of another size.
        momentum: Weight of the past where nothing changed, 0..1.
        floor: Cosine below which the past does not count; one for all, or (B, 1, 1, 1).
    """
    if before is None or before.shape != current.shape:
        return current
    alike = (current * before).sum(1, keepdim=True)
    weight = momentum * ((alike - floor) / (1 - floor)).clamp(0, 1)
    return F.normalize(before * weight + current * (1 - weight), dim=1)
