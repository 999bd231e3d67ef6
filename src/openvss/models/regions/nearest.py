"""Pixels that no region covers join the nearest one."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 1 << 22  # distances held at once


def fill_nearest(ids: Tensor) -> Tensor:
    """(H, W) with -1 where nothing is -> the same with the id of the nearest pixel that has one.

    Exact: nearest along the column first, then the best of all columns.
    """
    covered = ids >= 0
    if covered.all() or not covered.any():
        return ids.clamp(min=0)
    source = _nearest_row(covered)  # (H, W)
    rows = torch.arange(len(ids), device=ids.device)[:, None]
    height = (source - rows).square().float()
    height[:, ~covered.any(0)] = torch.inf
    y, x = (~covered).nonzero(as_tuple=True)
    columns = torch.arange(ids.shape[1], device=ids.device)
    filled = ids.clone()
    for part in torch.arange(len(y), device=ids.device).split(max(1, CHUNK // ids.shape[1])):
        distance = (x[part, None] - columns).square() + height[y[part]]
        best = distance.argmin(1)
        filled[y[part], x[part]] = ids[source[y[part], best], best]
    return filled


def _nearest_row(covered: Tensor) -> Tensor:
    """For each pixel the row of the nearest covered one in its column; anything where there is none."""
    height = len(covered)
    rows = torch.arange(height, device=covered.device)[:, None].expand_as(covered)
    above = torch.where(covered, rows, -height).cummax(0).values
    below = torch.where(covered, rows, 2 * height).flip(0).cummin(0).values.flip(0)
    return torch.where(rows - above <= below - rows, above, below).clamp(0, height - 1)
