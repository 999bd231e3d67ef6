"""From coarse logits to a label for every pixel, in strips: N x H x W never exists at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.labelmap import Labels, label_dtype, unlabelled_id

STRIP = 1 << 22  # logits held at once: 16 MB in float32


def label_pixels(
    logits: Tensor,
    size: tuple[int, int],
    unlabelled_below: float = 0.0,
    places: Tensor | None = None,
) -> tuple[Labels, npt.NDArray[np.float32]]:
    """(N, h, w) logits -> ids and confidences of every pixel of an (H, W) frame.

    The same as upsampling all logits bilinearly, then softmax and its maximum, one strip of rows at a time.
    Pixels whose confidence is less than `unlabelled_below` get the unlabelled id. `places`, what
    `edges.reading_places` gave, makes labels follow the edges of the frame.
    """
    n, height, width = len(logits), *size
    labels: Labels = np.empty(size, np.uint8) if label_dtype(n) is np.uint8 else np.empty(size, np.uint16)
    confidence = np.empty(size, np.float32)
    read = _upsampling(logits, size) if places is None else _reading(logits, places, size)
    rows = max(1, STRIP // (n * width))
    for top in range(0, height, rows):
        part = slice(top, min(top + rows, height))
        strip = read(part)
        best, ids = strip.max(0)
        probability = strip.sub_(best).exp_().sum(0).reciprocal_()
        labels[part] = ids.cpu().numpy()
        confidence[part] = probability.cpu().numpy()
    if unlabelled_below > 0:
        labels[confidence < unlabelled_below] = unlabelled_id(n)
    return labels, confidence


def _reading(logits: Tensor, places: Tensor, size: tuple[int, int]) -> Callable[[slice], Tensor]:
    """Strips of logits read at (1, h', w', 2) places."""
    grid = F.interpolate(places.permute(0, 3, 1, 2), size, mode="bilinear").permute(0, 2, 3, 1)

    def read(part: slice) -> Tensor:
        some = F.grid_sample(logits[None].float(), grid[:, part], padding_mode="border", align_corners=False)
        return some[0]

    return read


def _upsampling(logits: Tensor, size: tuple[int, int]) -> Callable[[slice], Tensor]:
    """Strips of bilinearly upsampled logits (corners not aligned)."""
    h, (height, width) = logits.shape[1], size
    position = ((torch.arange(height, device=logits.device) + 0.5) * (h / height) - 0.5).clamp(min=0)
    above = position.floor().long().clamp(max=h - 1)
    below = (above + 1).clamp(max=h - 1)
    weight = (position - above).float()[:, None]  # of the row below

    def read(part: slice) -> Tensor:
        first, last = int(above[part][0]), int(below[part][-1]) + 1
        some = logits[None, :, first:last].float()
        wide = F.interpolate(some, (last - first, width), mode="bilinear")[0]
        return torch.lerp(wide[:, above[part] - first], wide[:, below[part] - first], weight[part])

    return read
