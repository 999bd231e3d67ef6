"""Superpixels by SLIC: k-means of colour and place, where a pixel considers only nine clusters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.constants import built_once
from openvss.models.regions.presets import RegionsTinyOptions

FAR = 1e12  # the squared length of a cluster that does not exist


class Superpixels:
    """`Regions` that need no weights.

    Every cluster starts as one cell of a regular grid. Pixels choose among the clusters of their own cell and
    of the eight cells around it, so that an image takes a few small matrix products however many there are.
    Clusters are found from every second pixel of every second row; then all pixels choose.

    Args:
        count: As for `RegionsTinyOptions`, as are the others.
    """

    def __init__(
        self,
        count: int = RegionsTinyOptions.count,
        compactness: float = RegionsTinyOptions.compactness,
        rounds: int = RegionsTinyOptions.rounds,
    ) -> None:
        self.count = count
        self.compactness = compactness
        self.rounds = rounds

    @torch.no_grad()
    def __call__(self, frames: Tensor) -> Tensor:
        return torch.stack([self._cut(lab) for lab in to_lab(frames.float())])

    def _cut(self, lab: Tensor) -> Tensor:
        """(3, H, W) -> (H, W)."""
        height, width = lab.shape[-2:]
        cell = self.cell(height, width)
        grid = -(-height // cell), -(-width // cell)
        features = _features(lab, self.compactness / cell)
        around = _around(*grid, lab.device)  # (cells, 9)
        some = _in_cells(features[:, ::2, ::2], grid, cell // 2)  # (cells, 6, pixels)
        nine = torch.arange(9, dtype=torch.uint8, device=lab.device)[:, None]
        clusters = some.sum(2)  # (cells, 6): sums of features, and of how many pixels
        for _ in range(self.rounds):
            chosen = _nearest(some, clusters, around)[:, None] == nine
            given = torch.einsum("cnp,cfp->cnf", chosen.to(some.dtype), some)  # by each cell to its nine
            sums = clusters.new_zeros(len(clusters) + 1, 6)
            sums.index_add_(0, around.flatten(), given.flatten(0, 1))
            clusters = torch.where(sums[:-1, -1:] > 0, sums[:-1], clusters)  # an empty one stays as it was
        chosen = _nearest(_in_cells(features, grid, cell), clusters, around)
        ids = around.gather(1, chosen.long())  # (cells, pixels)
        whole = ids.view(*grid, cell, cell).transpose(1, 2).reshape(grid[0] * cell, grid[1] * cell)
        return whole[:height, :width]

    def cell(self, height: int, width: int) -> int:
        """The side of a cell in pixels, an even number."""
        return max(2, 2 * round((height * width / self.count) ** 0.5 / 2))


def _features(lab: Tensor, scale: float) -> Tensor:
    """Colour, place, and a 1 that tells a pixel from padding: (6, H, W)."""
    height, width = lab.shape[-2:]
    y = torch.arange(height, device=lab.device, dtype=lab.dtype)[:, None].expand(height, width) * scale
    x = torch.arange(width, device=lab.device, dtype=lab.dtype).expand(height, width) * scale
    return torch.cat([lab, torch.stack([y, x, torch.ones_like(x)])])


def _in_cells(features: Tensor, grid: tuple[int, int], cell: int) -> Tensor:
    """(F, H, W) -> (cells, F, pixels of a cell), padded with zeros."""
    n, height, width = features.shape
    padded = F.pad(features, (0, grid[1] * cell - width, 0, grid[0] * cell - height))
    split = padded.view(n, grid[0], cell, grid[1], cell)
    return split.permute(1, 3, 0, 2, 4).reshape(grid[0] * grid[1], n, cell * cell)


@built_once(4)
def _around(rows: int, columns: int, device: torch.device) -> Tensor:
    """(cells, 9): ids of the cells around each, itself in the middle; `rows * columns` beyond the border."""
    ids = torch.full((rows + 2, columns + 2), rows * columns)
    ids[1:-1, 1:-1] = torch.arange(rows * columns).view(rows, columns)
    return ids.unfold(0, 3, 1).unfold(1, 3, 1).reshape(rows * columns, 9).to(device)


def _nearest(pixels: Tensor, clusters: Tensor, around: Tensor) -> Tensor:
    """(cells, pixels): which of the nine clusters is nearest. |p - c|^2 less |p|^2, the same for all nine."""
    centres = clusters[:, :-1] / clusters[:, -1:].clamp(min=1)
    lengths = centres.square().sum(1, keepdim=True)
    table = torch.cat([torch.cat([-2 * centres, lengths], 1), centres.new_zeros(1, 6)])
    table[-1, -1] = FAR
    best, *others = (table[around] @ pixels).unbind(1)  # the last feature of a pixel is 1
    chosen = torch.zeros_like(best, dtype=torch.uint8)
    for n, other in enumerate(others, start=1):  # torch's argmin over a middle axis takes ten times as long
        chosen.masked_fill_(other < best, n)
        best = torch.minimum(best, other)
    return chosen


def to_lab(frames: Tensor) -> Tensor:
    """(..., 3, H, W) sRGB in 0..1 -> CIE L*a*b* with white D65."""
    linear = torch.where(frames > 0.04045, ((frames + 0.055) / 1.055).pow(2.4), frames / 12.92)
    xyz = torch.einsum("ij,...jhw->...ihw", _to_xyz(frames.dtype, frames.device), linear)
    f = torch.where(xyz > 0.008856, xyz.clamp(min=1e-6).pow(1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


@built_once(4)
def _to_xyz(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(3, 3): from linear RGB to XYZ, of which white is 1, 1, 1."""
    table = torch.tensor(
        [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
        dtype=dtype,
        device=device,
    )
    return table / table.sum(1, keepdim=True)
