"""The cost volume: how well each word fits each position, and where that position is (Eq. 12 and 13)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.layers.cosine import cost_volume
from openvss.models.layers.resize import resize


class CostVolume(nn.Module):
    """Refined cost volume with position, one map of `channels` for each word, with the same weights for all.

    Args:
        prompts: P, vectors per word: the channels of the raw cost volume.
        channels: Of the refined one.
        width: C, of the backbone maps that give the position.
        places: How many such maps there are.
    """

    def __init__(self, prompts: int, channels: int, width: int, places: int) -> None:
        super().__init__()
        self.refine = nn.Conv2d(prompts, channels, 7, padding=3)
        self.place = nn.ModuleList([nn.Conv2d(width, width // 2, 3, padding=1) for _ in range(places)])
        # the linear layer of Eq. 13, split by its two inputs: the one of the position does not know the words
        self.mix_cost = nn.Conv2d(channels, channels, 1)
        self.mix_position = nn.Conv2d(places * (width // 2), channels, 1, bias=False)

    def position(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """The share of the backbone maps in Eq. 13, on the grid of the cost volume."""
        places = [F.relu(conv(resize(u, size))) for conv, u in zip(self.place, maps, strict=True)]
        return self.mix_position(torch.cat(places, dim=1))

    def forward(self, text: Tensor, dense: Tensor, position: Tensor) -> Tensor:
        """Text (B, N, P, D), dense features (B, D, h, w), `position` -> (B, N, channels, h, w)."""
        x = self.refine(cost_volume(dense, text).flatten(0, 1))  # X of Eq. 12
        return self.mix_cost(x).unflatten(0, text.shape[:2]) + position[:, None]
