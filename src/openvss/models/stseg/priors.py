"""What refines masks in self-training: a frozen SAM as in the paper, or regions that need no weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from openvss.models.stseg.pseudo import Prior


def region_prior(regions: Callable[[Tensor], Tensor]) -> Prior:
    """Each region takes the mean probability of its pixels, so that masks end where regions do.

    Not of the paper: for those who have no weights of SAM.

    Args:
        regions: A picture (1, 3, H, W) -> region ids (H, W), counted from 0.
    """

    def refine(picture: Tensor, logits: Tensor) -> Tensor:
        ids = regions(picture).flatten()
        size = (picture.shape[-2], picture.shape[-1])
        p = torch.nn.functional.interpolate(logits[None], size, mode="bilinear")[0].sigmoid().flatten(1)
        n = int(ids.max()) + 1
        total = p.new_zeros(len(p), n).index_add_(1, ids, p)
        mean = total / torch.bincount(ids, minlength=n)
        return mean[:, ids].clamp(1e-6, 1 - 1e-6).logit().view(-1, *size)

    return refine
