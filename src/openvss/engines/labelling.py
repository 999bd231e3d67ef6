"""From coarse logits to a label for every pixel, tile by tile: N x H x W never exists at once.

An accelerator is waited for three times a frame: for the bounds of all tiles, for the words that may win in
each, and for the labels and confidences of the whole frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.engines.edges import own_places
from openvss.errors import InputError
from openvss.video.labelmap import Labels, label_dtype, unlabelled_id

NO_NUMBERS = (
    "The scores of the model are no numbers: if --precision is fp16, choose another, else take other weights."
)
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
    device, pixels = logits.device, size[0] * size[1]
    kind = torch.uint8 if label_dtype(n) is np.uint8 else torch.int16
    packed = torch.empty(pixels * (4 + kind.itemsize), dtype=torch.uint8, device=device)
    confidence = packed[: 4 * pixels].view(torch.float32).view(size)
    labels = packed[4 * pixels :].view(kind).view(size)
    scores = logits.float().log_softmax(0)
    grid = own_places(size, cells, device) if places is None else _enlarge(places, size)
    tiles = list(_tiles(size))
    for tile, words in zip(tiles, _candidates(_viable(scores), _bounds(grid)), strict=True):
        if not len(words):
            raise InputError(NO_NUMBERS)
        read = F.grid_sample(scores[words][None], grid[:, *tile], padding_mode="border", align_corners=False)
        best, ids = read[0].max(0)
        labels[tile] = words[ids]
        confidence[tile] = best.exp_()
    found, certain = _unpack(packed.cpu().numpy(), size)
    if np.isnan(certain).any():
        raise InputError(NO_NUMBERS)
    if unlabelled_below > 0:
        found[certain < unlabelled_below] = unlabelled_id(n)
    return found, certain


def _tiles(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    for top in range(0, size[0], TILE):
        for left in range(0, size[1], TILE):
            yield slice(top, min(top + TILE, size[0])), slice(left, min(left + TILE, size[1]))


def _unpack(packed: npt.NDArray[np.uint8], size: tuple[int, int]) -> tuple[Labels, npt.NDArray[np.float32]]:
    """Labels, of one byte or two, and confidences from the bytes of all confidences and all labels."""
    pixels = size[0] * size[1]
    certain, found = packed[: 4 * pixels].view(np.float32), packed[4 * pixels :]
    wide = len(found) > pixels
    return (found.view(np.uint16) if wide else found).reshape(size), certain.reshape(size)


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


def _bounds(grid: Tensor) -> list[list[float]]:
    """Of each tile the lowest x and y, and the highest, of the places (1, H, W, 2) where it is read."""
    rows = grid[0].split(TILE)
    low, high = torch.stack([row.amin(0) for row in rows]), torch.stack([row.amax(0) for row in rows])
    low = torch.stack([part.amin(1) for part in low.split(TILE, 1)], dim=1)  # (rows, columns, 2)
    high = torch.stack([part.amax(1) for part in high.split(TILE, 1)], dim=1)
    return torch.cat([low, high], dim=2).flatten(0, 1).cpu().tolist()


def _candidates(viable: Tensor, bounds: list[list[float]]) -> Iterator[Tensor]:
    """For each tile the ids of the words that can win at any of its places."""
    rows, columns = viable.shape[1:]
    table = torch.stack(
        [
            viable[:, _span(top, bottom, rows), _span(left, right, columns)].flatten(1).any(1)
            for left, top, right, bottom in bounds
        ]
    )
    ids = [np.flatnonzero(row) for row in table.cpu().numpy()]
    everything = torch.from_numpy(np.concatenate(ids)).to(viable.device)
    return iter(everything.split([len(some) for some in ids]))


def _span(low: float, high: float, corners: int) -> slice:
    """The gaps between cells that places from `low` to `high` (-1 to 1) fall into; one more, for rounding."""
    cells = corners - 1
    first, last = ((place + 1) / 2 * cells + 0.5 for place in (low, high))
    return slice(max(int(first - 1e-3), 0), min(int(last + 1e-3) + 1, corners))
