"""Losses of independent words: each pixel says yes or no to each word that was not dropped."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.base import IGNORE
from openvss.models.stseg.early import REJECTED

Ignored = Literal["left out", "negative"]


def binary_loss(
    logits: Tensor, labels: Tensor, ignored: Ignored = "left out", weights: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy of every word at every pixel, averaged over the pixels that count and the words.

    A word that early rejection dropped counts as right: nothing could be learnt from it.

    Args:
        logits: (B, N, h, w), brought to the size of the labels.
        labels: (B, H, W) word ids or `IGNORE`.
        ignored: Whether pixels without a label are left out, or say no to every word as in SED's code.
        weights: w_c of Eq. 6, (N,), on both the yes and the no of a word.
    """
    kept = logits.flatten(2).amax(2) > REJECTED
    logits = F.interpolate(logits, labels.shape[-2:], mode="bilinear", align_corners=False)
    n = logits.shape[1]
    targets = labels[:, None] == torch.arange(n, device=labels.device)[:, None, None]
    targets &= kept[..., None, None]
    counts = torch.ones_like(labels, dtype=torch.bool) if ignored == "negative" else labels != IGNORE
    weight = counts[:, None].to(logits.dtype)
    if weights is not None:
        weight = weight * weights[:, None, None]
    weight = weight.expand_as(logits)
    total = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), weight, reduction="sum")
    return total / (n * counts.sum()).clamp(min=1)
