"""The paper's decoder: every word has a cost volume, the video guides them all (Eq. 12 to 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import Fused
from openvss.models.layers.resize import resize, size_of
from openvss.models.ov2vss.cost import CostVolume
from openvss.models.ov2vss.presets import Fusing

ROOM = 1 << 22  # numbers in the largest tensor of a chunk of words: 16 MB in float32


class OV2VSSDecoder(Protocol):
    """An `nn.Module` that compares words with a frame; what does not depend on words is done in `fuse`."""

    def fuse(self, maps: Sequence[Tensor], o: Tensor, dense: Tensor | None) -> Fused:
        """Prepare a frame.

        Args:
            maps: U of all scales, finest first.
            o: The enhanced target (B, C, h, w).
            dense: F^V (B, D, h', w'), if the pair looked at the frame.
        """
        ...

    def score(self, fused: Fused, text: Tensor) -> Tensor:
        """Text (B or 1, N, P, D) -> logits (B, N, h, w)."""
        ...

    def words_at_once(self, fused: Fused) -> int:
        """How many words fit in bounded memory."""
        ...


class CostDecoder(nn.Module):
    """Upsample the cost volume, join it with the video's features, let a convolution decide (Eq. 14).

    Args:
        channels: C.
        prompts: P, vectors per word.
        cost_channels: Of a word's refined cost volume.
        places: Which backbone maps give the position: indices, finest first.
        fuse: Concatenate the two on channels, or project both and add them.
    """

    def __init__(
        self,
        channels: int,
        prompts: int = 1,
        cost_channels: int = 16,
        places: Sequence[int] = (0,),
        fuse: Fusing = "concat",
    ) -> None:
        super().__init__()
        hidden = channels // 4
        self.places = tuple(places)
        self.cost = CostVolume(prompts, cost_channels, channels, len(self.places))
        self.guide = nn.Conv2d(channels, hidden, 3, padding=1)
        # a convolution of a concatenation is the sum of one for each part: the guide's is done once a frame
        self.join_guide: nn.Module = nn.Conv2d(hidden, hidden, 3, padding=1, bias=False)
        self.join_cost: nn.Module = nn.Conv2d(cost_channels, hidden, 3, padding=1)
        if fuse == "add":
            self.join_guide, self.join_cost = nn.Identity(), nn.Conv2d(cost_channels, hidden, 1)
        self.after_adding = nn.Conv2d(hidden, hidden, 3, padding=1) if fuse == "add" else nn.Identity()
        self.norm = nn.GroupNorm(4, hidden)
        self.head = nn.Conv2d(hidden, 1, 3, padding=1)

    def fuse(self, maps: Sequence[Tensor], o: Tensor, dense: Tensor | None) -> Fused:
        assert dense is not None
        position = self.cost.position([maps[i] for i in self.places], size_of(dense))
        return {"dense": dense, "position": position, "guide": self.join_guide(F.relu(self.guide(o)))}

    def score(self, fused: Fused, text: Tensor) -> Tensor:
        text = text.expand(len(fused["guide"]), -1, -1, -1)
        cost = self.cost(text, fused["dense"], fused["position"])  # (B, N, c, h', w')
        up = resize(cost.flatten(0, 1), size_of(fused["guide"]))
        x = self.join_cost(up).unflatten(0, cost.shape[:2]) + fused["guide"][:, None]
        return self.head(F.relu(self.norm(self.after_adding(x.flatten(0, 1))))).unflatten(0, cost.shape[:2])[
            :, :, 0
        ]

    def words_at_once(self, fused: Fused) -> int:
        return max(1, ROOM // fused["guide"].numel())
