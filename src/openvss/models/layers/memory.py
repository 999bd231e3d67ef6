"""Dense features remembered along a video and moved to where things are now; nothing here is trained."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.constants import built_once

REACH = 3  # positions that a thing may move from one frame to the next
TEMPERATURE = 0.03  # of the likeness to what was there
BLOCK = 6  # positions a side that share their keys: larger wastes computation, smaller copies more


def remember(now: Tensor, before: Tensor, smoothing: float, floor: float | Tensor) -> Tensor:
    """The average over time after one more frame; `floor` as for `smooth`."""
    return smooth(now, follow(now, before, REACH, TEMPERATURE), smoothing, floor)


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
    now, past = current.permute(0, 2, 3, 1), before.permute(0, 2, 3, 1)  # as they are in memory
    alike = (now * past).sum(-1, keepdim=True)
    if isinstance(floor, Tensor):
        floor = floor.permute(0, 2, 3, 1)
    weight = momentum * ((alike - floor) / (1 - floor)).clamp(0, 1)
    return F.normalize(past * weight + now * (1 - weight), dim=-1).permute(0, 3, 1, 2)


def follow(current: Tensor, before: Tensor, radius: int, temperature: float) -> Tensor:
    """At each position the mean of what was remembered around it, weighted by its likeness to what is seen.

    Attention with the present as queries and the past as keys and values, in a window of (2 radius + 1)^2
    positions; beyond the frame the past goes on as it was at the edge. Computed in blocks of positions that
    look at one window, which is large enough for all of them; what is outside a position's own is masked.

    Args:
        current: (B, D, h, w), unit length along D.
        before: Of the same shape.
        radius: How far a thing may have moved since, in positions.
        temperature: Of the likeness, above 0: the lower, the more the closest match counts.
    """
    batch, dim, h, w = current.shape
    rows, columns = _blocks(h), _blocks(w)
    q = _windows(current, 0)  # (B, rows * columns, BLOCK^2, D)
    k = _windows(before, radius)  # (B, rows * columns, (BLOCK + 2 radius)^2, D)
    mask = _within(radius, current.device)
    alike = (q / temperature @ k.transpose(-1, -2)).masked_fill(~mask, -torch.inf)
    found = alike.softmax(-1) @ k
    maps = found.view(batch, rows, columns, BLOCK, BLOCK, dim).transpose(2, 3)
    maps = maps.reshape(batch, rows * BLOCK, columns * BLOCK, dim)[:, :h, :w]
    return F.normalize(maps, dim=-1).permute(0, 3, 1, 2)


def _windows(x: Tensor, margin: int) -> Tensor:
    """(B, D, H, W) -> (B, blocks, side^2, D): each block with a margin; outside is what is nearest inside."""
    height, width = x.shape[2], x.shape[3]
    places = _places(height, width, margin, x.device)
    windows = x.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, places)
    return windows.view(x.shape[0], _blocks(height) * _blocks(width), -1, x.shape[1])


def _blocks(size: int) -> int:
    """How many cover one direction; exported, a division of negative numbers would round the other way."""
    return (size + BLOCK - 1) // BLOCK


@built_once(16)
def _places(height: int, width: int, margin: int, device: torch.device) -> Tensor:
    """(rows * columns * side^2): where on the map the positions of every block with its margin are."""
    y, x = (_along(size, margin, device) for size in (height, width))
    return (y[:, None, :, None] * width + x[None, :, None, :]).flatten()


def _along(size: int, margin: int, device: torch.device) -> Tensor:
    """(blocks, side) of one direction."""
    first = torch.arange(0, size, BLOCK, device=device)[:, None]
    offsets = torch.arange(-margin, BLOCK + margin, device=device)
    return (first + offsets).clamp(0, size - 1)


@built_once(16)
def _within(radius: int, device: torch.device) -> Tensor:
    """(BLOCK^2, side^2): which positions of the shared window are in a position's own."""
    own = torch.arange(BLOCK, device=device)[:, None] + radius
    shared = torch.arange(BLOCK + 2 * radius, device=device)
    near = (own - shared).abs() <= radius
    return (near[:, None, :, None] & near[None, :, None, :]).reshape(BLOCK * BLOCK, -1)
