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

    Returns:
        (1, H, W, 2): x, y as `grid_sample` takes them, from -1 to 1 across the whole frame.
    """
    h, w = cells
    colours = F.adaptive_avg_pool2d(image, cells)[0]  # (3, h, w)
    down = _neighbours(image.shape[-2], h, image.device)
    across = _neighbours(image.shape[-1], w, image.device)
    weight = image.new_zeros(image.shape[-2:])
    at_y, at_x = torch.zeros_like(weight), torch.zeros_like(weight)
    for cell_y, near_y in down:
        rows = colours[:, cell_y]
        for cell_x, near_x in across:
            unlike = (image[0] - rows[:, :, cell_x]).square_().sum(0).div_(2 * COLOUR**2).clamp_(max=UNLIKE)
            each = unlike.neg_().exp_().mul_(near_y[:, None] * near_x)
            weight += each
            at_y += each * cell_y[:, None]
            at_x += each * cell_x
    return torch.stack([_to_unit(at_x / weight, w), _to_unit(at_y / weight, h)], dim=-1)[None]


@built_once(2)
def own_places(size: tuple[int, int], cells: tuple[int, int], device: torch.device) -> Tensor:
    """(1, H, W, 2): every pixel of an (H, W) frame at its own place, as plain upsampling reads it."""
    y, x = (_to_unit(_centres(p, c, device), c) for p, c in zip(size, cells, strict=True))
    return torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)[None]


def _centres(pixels: int, cells: int, device: torch.device) -> Tensor:
    """The place of each pixel's centre, in cells."""
    return (torch.arange(pixels, device=device) + 0.5) * (cells / pixels) - 0.5


@built_once(16)
def _neighbours(pixels: int, cells: int, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """The cells around each pixel, step by step, and how near they are: 0 beyond the frame."""
    places = _centres(pixels, cells, device)
    steps = torch.arange(-REACH, REACH + 1, device=device)
    found = places.round() + steps[:, None]
    near = (-(found - places).square() / (2 * SPACE**2)).exp() * ((found >= 0) & (found < cells))
    return list(zip(found.clamp(0, cells - 1).long(), near, strict=True))


def _to_unit(place: Tensor, cells: int) -> Tensor:
    return (place + 0.5) * (2 / cells) - 1
