"""A word's mask as prompts for SAM: logits on SAM's scale, and a box around each connected part."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.components import components

# The decoder's logits are small (2.2 at a probability of 0.9) beside SAM's own, about -20 to 10.
GAIN = 4.0
LIMIT = 12.0
MOST = 8  # parts of one word, the largest
SMALLEST = 64 / 256**2  # parts that are less of the picture are left out
MARGIN = 0.05  # of a box's sides, added all round


@dataclass(frozen=True)
class Prompts:
    """Prompts of one picture, n in all.

    Attributes:
        words: Which word, counted among those given, each prompt is of: (n,).
        masks: Logits, (n, 1, side, side).
        boxes: Left, top, right, bottom as fractions of the picture, (n, 4); None to prompt with masks alone.
        points: x and y of the position that each is surest of, as fractions, (n, 1, 2); None like boxes.
        rest: For each word given, where its parts are that are too many to prompt with, (N, side, side).
    """

    words: Tensor
    masks: Tensor
    boxes: Tensor | None = None
    points: Tensor | None = None
    rest: Tensor | None = None


def whole_masks(logits: Tensor, side: int) -> Prompts:
    """One prompt a word, without a box: the paper's wording. `logits` (n, h, w) are 0 where p is 0.5."""
    masks = to_side(logits, side)[:, None]
    return Prompts(torch.arange(len(logits), device=logits.device), _sharpen(masks))


def parts_with_boxes(logits: Tensor, side: int) -> Prompts:
    """One prompt for each of the largest connected parts of each word.

    SAM knows masks beside a box round one thing.
    """
    words, masks, boxes, points = [], [], [], []
    rest = torch.zeros(len(logits), side, side, dtype=torch.bool, device=logits.device)
    for word, scores in enumerate(to_side(logits, side)):
        parts = components(scores > 0, max(1, round(SMALLEST * side**2)))
        rest[word] = parts[MOST:].any(0)
        for part in parts[:MOST]:
            words.append(word)
            masks.append(torch.where(part, _sharpen(scores), -LIMIT))
            boxes.append(_box(part))
            points.append(_surest(scores, part))
    if not words:
        return Prompts(
            torch.zeros(0, dtype=torch.long, device=logits.device),
            logits.new_zeros(0, 1, side, side),
            logits.new_zeros(0, 4),
            logits.new_zeros(0, 1, 2),
            rest,
        )
    ids = torch.tensor(words, device=logits.device)
    return Prompts(ids, torch.stack(masks)[:, None], torch.stack(boxes), torch.stack(points)[:, None], rest)


def to_side(logits: Tensor, side: int) -> Tensor:
    """(n, h, w) -> (n, side, side)."""
    return F.interpolate(logits[None], (side, side), mode="bilinear", align_corners=False)[0]


def _sharpen(logits: Tensor) -> Tensor:
    return (GAIN * logits).clamp(-LIMIT, LIMIT)


def _box(part: Tensor) -> Tensor:
    """The box round a (side, side) mask, a little larger, as fractions."""
    side = part.shape[-1]
    rows, columns = part.any(1).nonzero()[:, 0], part.any(0).nonzero()[:, 0]
    edges = torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / side
    margin = MARGIN * (edges[2:] - edges[:2]).repeat(2) * torch.tensor([-1, -1, 1, 1], device=part.device)
    return (edges + margin).clamp(0, 1)


def _surest(scores: Tensor, part: Tensor) -> Tensor:
    """Of a part, the middle of the position with the largest logit, as fractions x and y."""
    side = part.shape[-1]
    best = torch.where(part, scores, -torch.inf).argmax()
    return torch.stack([best % side, best // side]).to(scores.dtype).add(0.5) / side
