"""From coarse logits to a label for every pixel, tile by tile: N x H x W never exists at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.edges import own_places
from openvss.labelmap import Labels, label_dtype, unlabelled_id

TILE = 96  # side in pixels; what exists at once is a tile of the words that may win somewhere in it


def label_pixels(
    logits: Tensor,
    size: tuple[int, int],
    unlabelled_below: float = 0.0,
    places: Tensor | None = None,
) -> tuple[Labels, npt.NDArray[np.float32]]:
    """(N, h, w) logits -> ids and confidences of every pixel of an (H, W) frame.

    Log-probabilities of the coarse cells are read bilinearly at the place of each pixel; the largest gives
    its word and, as a probability, its confidence. Pixels whose confidence is less than `unlabelled_below`
    get the unlabelled id. `places`, what `edges.reading_places` gave, makes labels follow the frame's edges.
    """
    n, cells = len(logits), (logits.shape[-2], logits.shape[-1])
    labels: Labels = np.empty(size, np.uint8) if label_dtype(n) is np.uint8 else np.empty(size, np.uint16)
    confidence = np.empty(size, np.float32)
    scores = logits.float().log_softmax(0)
    grid = own_places(size, cells, logits.device) if places is None else _enlarge(places, size)
    viable = _viable(scores)
    for tile in _tiles(size):
        part = grid[:, *tile]
        words = _candidates(viable, part[0])
        read = F.grid_sample(scores[words][None], part, padding_mode="border", align_corners=False)[0]
        best, ids = read.max(0)
        labels[tile] = words[ids].cpu().numpy()
        confidence[tile] = best.exp_().cpu().numpy()
    if unlabelled_below > 0:
        labels[confidence < unlabelled_below] = unlabelled_id(n)
    return labels, confidence


def _tiles(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    for top in range(0, size[0], TILE):
        for left in range(0, size[1], TILE):
            yield slice(top, min(top + TILE, size[0])), slice(left, min(left + TILE, size[1]))


def _enlarge(places: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, h', w', 2) -> (1, H, W, 2)."""
    return F.interpolate(places.permute(0, 3, 1, 2), size, mode="bilinear").permute(0, 2, 3, 1)


def _viable(scores: Tensor) -> Tensor:
    """(N, h + 1, w + 1): whether a word can be the best anywhere between four neighbouring cells.

    A bilinear reading lies between the smallest and the largest of its four cells, so a word whose largest is
    below another word's smallest cannot win there.
    """
    padded = F.pad(scores[None], (1, 1, 1, 1), mode="replicate")[0]
    upper, lower = padded[:, :-1], padded[:, 1:]
    largest, smallest = torch.maximum(upper, lower), torch.minimum(upper, lower)
    largest = torch.maximum(largest[..., :-1], largest[..., 1:])
    smallest = torch.minimum(smallest[..., :-1], smallest[..., 1:])
    return largest >= smallest.amax(0)


def _candidates(viable: Tensor, places: Tensor) -> Tensor:
    """Ids of the words that can win at any of the places (h', w', 2)."""
    rows, columns = viable.shape[1:]
    (left, top), (right, bottom) = places.amin((0, 1)), places.amax((0, 1))
    y, x = _span(top, bottom, rows), _span(left, right, columns)
    return viable[:, y, x].flatten(1).any(1).nonzero()[:, 0]


def _span(low: Tensor, high: Tensor, corners: int) -> slice:
    """The gaps between cells that places from `low` to `high` (-1 to 1) fall into; one more, for rounding."""
    cells = corners - 1
    first, last = ((float(place) + 1) / 2 * cells + 0.5 for place in (low, high))
    return slice(max(int(first - 1e-3), 0), min(int(last + 1e-3) + 1, corners))
