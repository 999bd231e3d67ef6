"""What refines masks in self-training: a frozen SAM as in the paper, or what needs no weights."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.contract import Regions
from openvss.models.encoders.sam import Sam, closest, mean_colour, padded
from openvss.models.stseg.prompts import parts_with_boxes, to_side, whole_masks
from openvss.models.stseg.pseudo import NOWHERE, Prior, Sight

PromptMode = Literal["mask+box", "mask+point", "mask"]


def sam_prior(sam: Sam, mode: PromptMode = "mask+box") -> Prior:
    """Masks go into SAM as prompts and come out with SAM's edges.

    SAM sees the picture once, as it came, and padded to a square.

    Args:
        sam: Frozen.
        mode: "mask" prompts with each word's mask at once, as the paper says; SAM was trained on masks beside
            boxes or points round one thing, which the other modes give it, part by part. Parts beyond the
            largest keep the model's mask.
    """

    def refine(sight: Sight, logits: Tensor) -> Tensor:
        image = sam(padded(sight.whole, mean_colour(sight.whole)))
        rows, columns = (max(1, round(s / max(sight.size) * sam.mask_side)) for s in sight.size)
        below = 0, sam.mask_side - columns, 0, sam.mask_side - rows
        drawn = draw(image, F.pad(_resize(logits, (rows, columns)), below, value=NOWHERE))
        return drawn[:, :rows, :columns]

    def draw(image: Tensor, logits: Tensor) -> Tensor:
        """Both of the square: logits (n, side, side) -> (n, mask_side, mask_side)."""
        if mode == "mask":
            whole = whole_masks(logits, sam.mask_side)
            candidates, _ = sam.draw(image, masks=whole.masks, several=True)
            return closest(candidates, whole.masks)
        parts = parts_with_boxes(logits, sam.mask_side)
        boxes, points = (parts.boxes, None) if mode == "mask+box" else (None, parts.points)
        drawn, _ = sam.draw(image, points, boxes, parts.masks)
        assert parts.rest is not None
        together = to_side(logits, sam.mask_side).masked_fill(~parts.rest, NOWHERE)
        index = parts.words[:, None, None].expand(-1, sam.mask_side, sam.mask_side)
        return together.scatter_reduce(0, index, drawn[:, 0], "amax")

    return refine


def region_prior(regions: Regions) -> Prior:
    """Each region takes the mean probability of its pixels, so that masks end where regions do.

    Not of the paper: for those who have no weights of SAM.
    """

    def refine(sight: Sight, logits: Tensor) -> Tensor:
        ids = regions(sight.small)[0].flatten()
        size = (sight.small.shape[-2], sight.small.shape[-1])
        p = _resize(logits, size).sigmoid().flatten(1)
        n = int(ids.max()) + 1
        total = p.new_zeros(len(p), n).index_add_(1, ids, p)
        mean = total / torch.bincount(ids, minlength=n).clamp(min=1)
        return mean[:, ids].clamp(1e-6, 1 - 1e-6).logit().view(-1, *size)

    return refine


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
