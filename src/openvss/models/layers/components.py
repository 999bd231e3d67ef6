"""Connected parts of a mask."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def components(mask: Tensor, smallest: int = 1) -> Tensor:
    """The connected parts of a (H, W) bool mask as masks (n, H, W), largest first; corners connect.

    Args:
        mask: Where something is.
        smallest: Parts of fewer pixels are left out.
    """
    names = _names(mask)
    values, sizes = names[mask].unique(return_counts=True)
    kept = sizes >= smallest
    order = sizes[kept].argsort(descending=True, stable=True)
    return names == values[kept][order][:, None, None]


def _names(mask: Tensor) -> Tensor:
    """A number for each pixel, the same throughout a part: that of its last pixel, counted from 1; 0 outside.

    Numbers spread to neighbours, and each pixel then takes the number of the pixel that its number names:
    the reach doubles, so that few rounds are needed however long a part winds.
    """
    names = torch.arange(1, mask.numel() + 1, dtype=torch.float64, device=mask.device).view(mask.shape) * mask
    while True:
        spread = F.max_pool2d(names[None, None], 3, stride=1, padding=1)[0, 0] * mask
        table = torch.cat([spread.new_zeros(1), spread.flatten()])
        jumped = table[spread.long()]
        if torch.equal(jumped, names):
            return names
        names = jumped
