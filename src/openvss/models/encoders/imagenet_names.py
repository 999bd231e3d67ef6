"""What an ImageNet classifier says, position by position, as a vector of text."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 1000
HIDDEN = 1280


class ImageNetNames(nn.Module):
    """The classifier that came with EfficientNet-Lite0, over a table of the text vectors of its names.

    Where it is sure, its mean name is nearly a unit vector and knows words that no segmented picture shows
    (camel, zebra, swan); where it is not, the mean is short.
    """

    names: Tensor

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, HIDDEN, 1)
        self.fc = nn.Linear(HIDDEN, CLASSES)
        self.register_buffer("names", F.normalize(torch.randn(CLASSES, dim), dim=1))

    def posterior(self, deep: Tensor) -> Tensor:
        """(B, C, h, w), the backbone's last map -> (B, h, w, 1000)."""
        return self.fc(F.relu6(self.head(deep)).permute(0, 2, 3, 1)).softmax(-1)

    def forward(self, deep: Tensor) -> Tensor:
        """(B, C, h, w) -> the mean name (B, h, w, dim), at most of unit length."""
        return self.mean(self.posterior(deep))

    def mean(self, posterior: Tensor) -> Tensor:
        """(..., 1000) -> (..., dim)."""
        return posterior @ self.names
