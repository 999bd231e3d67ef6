"""What refines masks in self-training: a frozen SAM as in the paper, or regions that need no weights."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.contract import Regions
from openvss.models.encoders.sam import Sam, closest
from openvss.models.stseg.prompts import parts_with_boxes, to_side, whole_masks
from openvss.models.stseg.pseudo import NOWHERE, Prior

PromptMode = Literal["mask+box", "mask+point", "mask"]


def sam_prior(sam: Sam, mode: PromptMode = "mask+box") -> Prior:
    """Masks go into SAM as prompts and come out with SAM's edges; the picture is squashed to its square.

    Args:
        sam: Frozen.
        mode: "mask" prompts with each word's mask at once, as the paper says; SAM was trained on masks beside
            boxes or points round one thing, which the other modes give it, part by part. Parts beyond the
            largest keep the model's mask.
    """

    def refine(picture: Tensor, logits: Tensor) -> Tensor:
        image = sam(picture)
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

    def refine(picture: Tensor, logits: Tensor) -> Tensor:
        ids = regions(picture)[0].flatten()
        size = (picture.shape[-2], picture.shape[-1])
        p = F.interpolate(logits[None], size, mode="bilinear")[0].sigmoid().flatten(1)
        n = int(ids.max()) + 1
        total = p.new_zeros(len(p), n).index_add_(1, ids, p)
        mean = total / torch.bincount(ids, minlength=n).clamp(min=1)
        return mean[:, ids].clamp(1e-6, 1 - 1e-6).logit().view(-1, *size)

    return refine
