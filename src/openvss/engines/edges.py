"""Where to read coarse scores so that labels follow the frame's edges, at a cost independent of the words.

Plain upsampling reads the scores of a pixel at its own place on the coarse grid. Near an edge that place
mixes both sides. Here it is moved towards the cells that look like the pixel: with I the frame at half of the
model's resolution, L the mean colour of a cell and q its place,

    w(p, q) = exp(-|I_p - L_q|^2 / 2 COLOUR^2 - |p - q|^2 / 2 SPACE^2)
    place(p) = sum_q w(p, q) q / sum_q w(p, q)          over the 5 x 5 cells around p

A pixel that looks like none of them is read at its own place.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.layers.constants import built_once

REACH = 2  # cells to each side
COLOUR = 0.08  # of RGB in 0..1
SPACE = 1.0  # in cells
UNLIKE = 6.0  # exponent at which a colour counts as different, however different it is


def reading_places(image: Tensor, cells: tuple[int, int]) -> Tensor:
    """Places on a grid of (h, w) cells for every pixel of an image (1, 3, H, W) in 0..1.

    An image that the cells do not divide is brought to the nearest size that they do.

    Returns:
        (1, H, W, 2) at that size: x, y as `grid_sample` takes them, from -1 to 1 across the whole frame.
    """
    (h, w), (height, width) = cells, image.shape[-2:]
    rows, columns = max(1, round(height / h)), max(1, round(width / w))
    if (h * rows, w * columns) != (height, width):
        image = F.interpolate(image, (h * rows, w * columns), mode="bilinear", antialias=True)
    pixels = image[0].reshape(3, h, rows, w, columns).permute(1, 3, 2, 4, 0).reshape(h * w, -1, 3)
    around = F.unfold(F.pad(pixels.mean(1).T.reshape(1, 3, h, w), [REACH] * 4), 2 * REACH + 1)
    around = around.reshape(3, -1, h * w).permute(2, 1, 0)  # (h w, 25, 3)
    near, steps = _near(rows, columns, image.device), _steps(h, w, image.device)
    # |I|^2 + |L|^2 - 2 I L of all pixels and cells as one product
    own = torch.cat([pixels, pixels.square().sum(-1, keepdim=True), torch.ones_like(pixels[..., :1])], -1)
    size = around.square().sum(-1, keepdim=True)
    other = torch.cat([-2 * around, torch.ones_like(size), size], -1) / (-2 * COLOUR**2)
    weights = (own @ other.transpose(1, 2)).clamp_(min=-UNLIKE).exp_().mul_(near)  # (h w, pixels, 25)
    sums = weights @ steps  # of the weights, and of the steps down and across
    moved = (sums[..., 1:] / sums[..., :1]).reshape(h, w, rows, columns, 2).permute(4, 0, 2, 1, 3)
    down, across = moved.reshape(2, *image.shape[-2:])
    down = down + torch.arange(h, device=image.device).repeat_interleave(rows)[:, None]
    across = across + torch.arange(w, device=image.device).repeat_interleave(columns)
    return torch.stack([_to_unit(across, w), _to_unit(down, h)], dim=-1)[None]


@built_once(16)
def _near(rows: int, columns: int, device: torch.device) -> Tensor:
    """(rows columns, 25): how near the cells around a cell are to each of its pixels."""
    down, across = (_near_along(pixels, device) for pixels in (rows, columns))
    return (down[:, None, :, None] * across[None, :, None, :]).reshape(rows * columns, -1)


def _near_along(pixels: int, device: torch.device) -> Tensor:
    """(pixels, 5) in one direction."""
    places = _centres(pixels, 1, device)[:, None]
    return (-(torch.arange(-REACH, REACH + 1, device=device) - places).square() / (2 * SPACE**2)).exp()


@built_once(16)
def _steps(h: int, w: int, device: torch.device) -> Tensor:
    """(h w, 25, 3): 1 and the steps down and across to the cells around each cell; 0 beyond the frame."""
    step = torch.arange(-REACH, REACH + 1, device=device)
    y, x = (torch.arange(cells, device=device)[:, None] + step for cells in (h, w))
    inside = ((y >= 0) & (y < h))[:, None, :, None] & ((x >= 0) & (x < w))[None, :, None, :]
    down, across = torch.meshgrid(step, step, indexing="ij")
    each = torch.stack([torch.ones_like(down), down, across], -1).reshape(-1, 3)
    return inside.reshape(h * w, -1, 1) * each.float()


@built_once(2)
def own_places(size: tuple[int, int], cells: tuple[int, int], device: torch.device) -> Tensor:
    """(1, H, W, 2): every pixel of an (H, W) frame at its own place, as plain upsampling reads it."""
    y, x = (_to_unit(_centres(p, c, device), c) for p, c in zip(size, cells, strict=True))
    return torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)[None]


def _centres(pixels: int, cells: int, device: torch.device) -> Tensor:
    """The place of each pixel's centre, in cells."""
    return (torch.arange(pixels, device=device) + 0.5) * (cells / pixels) - 0.5


def _to_unit(place: Tensor, cells: int) -> Tensor:
    return (place + 0.5) * (2 / cells) - 1
