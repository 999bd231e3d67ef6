"""What an ImageNet classifier predicts at each position, as a text vector."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 1000
HIDDEN = 1280
SHARE_OF_ALL = 0.3  # of the whole frame, beside a position's 3x3 neighbours
SHARPEN = 0.7


class Names(NamedTuple):
    """Mean names (B, h, w, dim) of positions, of unit length at most."""

    here: Tensor
    around: Tensor


class ImageNetNames(nn.Module):
    """The classifier that came with EfficientNet-Lite0, over a table of the text vectors of its names.

    Where it is sure, its mean name is nearly a unit vector and knows words that no segmented picture shows
    (camel, zebra, swan); where it is not, the mean is short. It was trained on whole pictures: what it says
    of a position's surroundings is less precise in place and more often right.
    """

    names: Tensor

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, HIDDEN, 1)
        self.fc = nn.Linear(HIDDEN, CLASSES)
        self.register_buffer("names", F.normalize(torch.randn(CLASSES, dim), dim=1))

    def forward(self, deep: Tensor) -> Names:
        """(B, C, h, w), the backbone's last map -> its names."""
        logits = self.logits(deep)
        return self.named(logits.softmax(-1), logits)

    def logits(self, deep: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, h, w, 1000)."""
        logits: Tensor = self.fc(F.relu6(self.head(deep)).permute(0, 2, 3, 1))
        return logits

    def named(self, posterior: Tensor, logits: Tensor) -> Names:
        """The posterior is the softmax of the logits, which training has at hand."""
        maps = logits.permute(0, 3, 1, 2)
        near = F.avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False)
        wide = torch.lerp(near, maps.mean((2, 3), keepdim=True), SHARE_OF_ALL) / SHARPEN
        return Names(posterior @ self.names, wide.permute(0, 2, 3, 1).softmax(-1) @ self.names)
