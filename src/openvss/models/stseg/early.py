"""Category early rejection: words that are nowhere among the best are dropped before the costly stages."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.stseg.stage import DecoderPart

REJECTED = -100.0  # the logit of a word that was dropped: a probability of nothing, yet finite


def keep_best(parts: list[DecoderPart], scores: Tensor, k: int) -> list[DecoderPart]:
    """The words that are among the best `k` at any position of the only image.

    Args:
        parts: All words that are left, n of them.
        scores: (1, n, h, w), in the order of the parts.
        k: How many words of one position are kept.
    """
    if len(scores) != 1:
        raise ValueError(f"early rejection takes one image at a time, got {len(scores)}")
    best = scores[0].topk(k, dim=0).indices
    kept = torch.zeros(scores.shape[1], dtype=torch.bool, device=scores.device)
    kept[best.flatten()] = True
    size = max(len(part.ids) for part in parts)
    masks = kept.split([len(part.ids) for part in parts])
    left = [_select(part, mask) for part, mask in zip(parts, masks, strict=True)]
    # Joined and cut anew: many parts of few words would be slow.
    ids = torch.cat([part.ids for part in left]).split(size)
    x = torch.cat([part.x for part in left], dim=1).split(size, dim=1)
    guide = torch.cat([part.guide for part in left], dim=1).split(size, dim=1)
    return [DecoderPart(*some) for some in zip(ids, x, guide, strict=True)]


def _select(part: DecoderPart, mask: Tensor) -> DecoderPart:
    return DecoderPart(part.ids[mask], part.x[:, mask], part.guide[:, mask])
