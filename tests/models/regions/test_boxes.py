"""Boxes round masks; non-maximum suppression against loops."""

from __future__ import annotations

import torch

from openvss.models.regions.boxes import boxes_of, keep_best


def naive_iou(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(area) - width * height)


def test_suppression_equals_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    for overlap in (0.2, 0.5, 0.7):
        corners = torch.randint(0, 30, (60, 2), generator=generator)
        boxes = torch.cat([corners, corners + torch.randint(5, 25, (60, 2), generator=generator)], dim=1)
        scores = torch.rand(60, generator=generator)
        kept: list[int] = []
        for i in sorted(range(60), key=lambda n: -float(scores[n])):
            if all(naive_iou(boxes[i].tolist(), boxes[k].tolist()) <= overlap for k in kept):
                kept.append(i)
        assert keep_best(boxes, scores, overlap).tolist() == kept
        assert 1 < len(kept) < 60


def test_nothing_to_suppress() -> None:
    assert keep_best(torch.zeros(0, 4), torch.zeros(0), 0.7).tolist() == []


def test_boxes_of_masks() -> None:
    masks = torch.zeros(3, 6, 8, dtype=torch.bool)
    masks[0, 2, 3] = True
    masks[1] = True
    masks[2, 1:3, 4] = masks[2, 5, 7] = True
    assert boxes_of(masks).tolist() == [[3, 2, 4, 3], [0, 0, 8, 6], [4, 1, 8, 6]]
