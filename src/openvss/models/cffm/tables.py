"""Where the tokens of every window lie: index tables, made once for each size of map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from openvss.models.cffm.geometry import Geometry, Pooling
from openvss.models.layers.constants import built_once


@dataclass(frozen=True, eq=False)
class Tables:
    """Indices into a list of tokens: the map's positions, one of padding, one of nothing, then pooled cells.

    The pooled cells of a frame come window by window, and row by row within the window.

    Attributes:
        queries: (windows, s * s) positions of each window; beyond the map the token of padding.
        keys: (windows, geometry.n_keys) tokens that the window looks at.
        back: (h * w) place of each position among the flattened `queries`.
        nothing: Index of the token of nothing, which no query may look at.
    """

    queries: Tensor
    keys: Tensor
    back: Tensor
    nothing: int


@built_once(16)
def tables(geometry: Geometry, height: int, width: int, device: torch.device) -> Tables:
    """The tables for maps of one size."""
    windows = _windows(geometry, height, width)
    rows, columns = windows
    padding, nothing = height * width, height * width + 1
    padded = _positions(height, width, rows * geometry.window, columns * geometry.window, padding)
    queries = _near(geometry, geometry.own, padded, windows, wrap=False, outside=nothing)
    near = _near(geometry, geometry.near, padded, windows, wrap=not geometry.mask_border, outside=nothing)
    if geometry.mask_border:
        near = near.masked_fill(near == padding, nothing)
    keys, start = [near], nothing + 1
    for pooling in geometry.pooled:
        keys.append(_region(geometry, pooling, (height, width), windows, start, nothing))
        start += rows * columns * pooling.cells**2
    places = queries.flatten()
    back = torch.empty(height * width + 1, dtype=torch.long)
    back[places] = torch.arange(len(places))
    return Tables(queries.to(device), torch.cat(keys, 1).to(device), back[:-1].to(device), nothing)


def _windows(geometry: Geometry, height: int, width: int) -> tuple[int, int]:
    return -(-height // geometry.window), -(-width // geometry.window)


def _positions(height: int, width: int, rows: int, columns: int, padding: int) -> Tensor:
    """The map's indices, padded below and to the right to whole windows: (rows, columns)."""
    grid = torch.full((rows, columns), padding)
    grid[:height, :width] = torch.arange(height * width).view(height, width)
    return grid


def _near(
    geometry: Geometry,
    cells: list[tuple[int, int]],
    padded: Tensor,
    windows: tuple[int, int],
    wrap: bool,
    outside: int,
) -> Tensor:
    """Positions at given offsets from each window's corner: (windows, len(cells))."""
    offsets = torch.tensor(cells)
    y = (torch.arange(windows[0]) * geometry.window)[:, None, None] + offsets[:, 0]  # (rows, 1, n)
    x = (torch.arange(windows[1]) * geometry.window)[None, :, None] + offsets[:, 1]  # (1, columns, n)
    height, width = padded.shape
    found = padded[y % height, x % width]
    if not wrap:
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        found = torch.where(inside, found, outside)
    return found.flatten(0, 1)


def _region(
    geometry: Geometry,
    pooling: Pooling,
    size: tuple[int, int],
    windows: tuple[int, int],
    start: int,
    nothing: int,
) -> Tensor:
    """Cells of a pooled frame around each window, `nothing` beyond its edge: (windows, kernel**2)."""
    cells = pooling.cells
    rows, columns = windows
    offset = torch.arange(pooling.kernel) + geometry.start(pooling)
    y = (torch.arange(rows)[:, None] * cells + offset)[:, None, :, None]  # (rows, 1, kernel, 1)
    x = (torch.arange(columns)[:, None] * cells + offset)[None, :, None, :]  # (1, columns, 1, kernel)
    window = (y // cells) * columns + x // cells
    index = start + window * cells**2 + (y % cells) * cells + x % cells
    bottom, right = rows * cells, columns * cells
    if geometry.mask_border:
        bottom, right = (_first_empty(geometry, pooling, n) for n in size)
    inside = (y >= 0) & (y < bottom) & (x >= 0) & (x < right)
    return torch.where(inside, index, nothing).flatten(2).flatten(0, 1)


def _first_empty(geometry: Geometry, pooling: Pooling, length: int) -> int:
    """Along one side of a map the first pooled cell that holds padding only."""
    pitch, shift = geometry.window / pooling.cells, geometry.shift(pooling)
    cells = -(-length // geometry.window) * pooling.cells
    return next((cell for cell in range(cells) if shift + cell * pitch >= length), cells)
