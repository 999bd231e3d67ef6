"""Temporal smoothing of dense features."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from openvss.errors import InputError


def weight_of_past(smoothing: float) -> float:
    """The option `smoothing` of a model, if it is one."""
    if not 0 <= smoothing < 1:
        raise InputError(f"smoothing is the weight of the past, from 0 to less than 1, not {smoothing:g}.")
    return smoothing


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
