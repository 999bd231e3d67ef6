"""Boxes around masks, and non-maximum suppression."""

from __future__ import annotations

import torch
from torch import Tensor


def boxes_of(masks: Tensor) -> Tensor:
    """(n, h, w) bool, none empty -> (n, 4) left, top, right and bottom, the last two exclusive."""
    columns, rows = masks.any(1).to(torch.uint8), masks.any(2).to(torch.uint8)
    left, top = columns.argmax(1), rows.argmax(1)
    right, bottom = masks.shape[2] - columns.flip(1).argmax(1), masks.shape[1] - rows.flip(1).argmax(1)
    return torch.stack([left, top, right, bottom], dim=1)


def keep_best(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    """Non-maximum suppression: ids of the boxes that no better box that is kept overlaps by more (IoU).

    Args:
        boxes: (n, 4).
        scores: (n,).
        overlap: The IoU above which two boxes count as duplicates.

    Returns:
        The best first.
    """
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order].float()
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept: list[int] = []
    left = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    for i in range(len(boxes)):
        if not left[i]:
            continue
        kept.append(i)
        corner = torch.maximum(boxes[i, :2], boxes[:, :2]), torch.minimum(boxes[i, 2:], boxes[:, 2:])
        common = (corner[1] - corner[0]).clamp(min=0).prod(1)
        left &= common <= overlap * (area[i] + area - common)
    return order[torch.tensor(kept, dtype=torch.long, device=boxes.device)]
