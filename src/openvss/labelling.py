"""From coarse logits to a label for every pixel, in strips: N x H x W never exists at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.labelmap import Labels, label_dtype, unlabelled_id

STRIP = 1 << 22  # logits held at once: 16 MB in float32


def label_pixels(
    logits: Tensor, size: tuple[int, int], unlabelled_below: float = 0.0
) -> tuple[Labels, npt.NDArray[np.float32]]:
    """(N, h, w) logits -> ids and confidences of every pixel of an (H, W) frame.

    The same as upsampling all logits bilinearly, then softmax and its maximum, one strip of rows at a time.
    Pixels whose confidence is less than `unlabelled_below` get the unlabelled id.
    """
    n, h, _ = logits.shape
    height, width = size
    labels: Labels = np.empty(size, np.uint8) if label_dtype(n) is np.uint8 else np.empty(size, np.uint16)
    confidence = np.empty(size, np.float32)
    above, below, weight = _rows(h, height, logits.device)
    rows = max(1, STRIP // (n * width))
    for top in range(0, height, rows):
        part = slice(top, min(top + rows, height))
        first, last = int(above[part][0]), int(below[part][-1]) + 1
        some = logits[None, :, first:last].float()
        wide = F.interpolate(some, (last - first, width), mode="bilinear")[0]
        strip = torch.lerp(wide[:, above[part] - first], wide[:, below[part] - first], weight[part])
        best, ids = strip.max(0)
        probability = strip.sub_(best).exp_().sum(0).reciprocal_()
        labels[part] = ids.cpu().numpy()
        confidence[part] = probability.cpu().numpy()
    if unlabelled_below > 0:
        labels[confidence < unlabelled_below] = unlabelled_id(n)
    return labels, confidence


def _rows(h: int, height: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each output row its two source rows and the weight of the second (corners not aligned)."""
    position = ((torch.arange(height, device=device) + 0.5) * (h / height) - 0.5).clamp(min=0)
    above = position.floor().long().clamp(max=h - 1)
    below = (above + 1).clamp(max=h - 1)
    return above, below, (position - above).float()[:, None]
