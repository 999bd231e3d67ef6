"""Dense features of earlier frames, moved to where things are now; ours, not in the paper.

Eq. 12 compares words with what the pair sees in the target alone. Here they are compared with an average over
time: what is remembered moves with the picture, and counts as far as the picture still shows it. Nothing is
trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers import memory

FLOOR = 0.4  # cosine of then and now below which the past never counts
CEILING = 0.99  # the most that is asked for: a frame of one colour is alike everywhere


def remember(now: Tensor, before: Tensor | None, smoothing: float) -> Tensor:
    """The average after one more frame: dense features (B, D, h, w) -> the same, of unit length.

    Args:
        now: Of the frame.
        before: What the last call gave; None, or of another size, at the start of a video.
        smoothing: Weight of the past where nothing has changed.
    """
    now = F.normalize(now.float(), dim=1)
    if before is None or before.shape != now.shape:
        return now
    # CLIP's vectors are all much alike: then and now must be more so than any two places of this frame are
    any_two = now.mean((2, 3), keepdim=True).square().sum(1, keepdim=True)
    return memory.remember(now, before, smoothing, any_two.clamp(FLOOR, CEILING))


def follow_all(frames: Sequence[Tensor], smoothing: float) -> Tensor | None:
    """The average over some frames, the earliest first; None if there are none."""
    average = None
    for frame in frames:
        average = remember(frame, average, smoothing)
    return average
