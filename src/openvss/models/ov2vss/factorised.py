"""A decoder whose cost hardly depends on the number of words; not in the paper, meant for small models.

The video is put into the dense features once, before any word is known; a word then costs one product for
each position. It starts as the pair alone: the video's part is added through a layer that starts at zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import Fused
from openvss.models.layers.cosine import similarity
from openvss.models.layers.resize import resize, size_of
from openvss.models.ov2vss.decoder import ROOM

SCALE = 20.0  # of cosines, where training starts


class TextCosine(nn.Module):
    """Features projected to the space of the text and compared with it by cosine, for any number of words."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, dim, 1)
        self.log_scale = nn.Parameter(torch.tensor(SCALE).log())

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """(B, C, h, w) and (B or 1, N, P, D) -> (B, N, h, w)."""
        return self.compare(self.project(x), text)

    def compare(self, projected: Tensor, text: Tensor) -> Tensor:
        """The same, once projected."""
        return self.log_scale.exp() * similarity(projected, text)


class PlainDecoder(nn.Module):
    """Table III's "baseline w/o text": the target's own features against the words."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.cosine = TextCosine(channels, dim)

    def fuse(self, maps: Sequence[Tensor], o: Tensor, dense: Tensor | None) -> Fused:
        return {"o": o}

    def score(self, fused: Fused, text: Tensor) -> Tensor:
        return self.cosine(fused["o"], text)

    def words_at_once(self, fused: Fused) -> int:
        return max(1, ROOM // fused["o"][:, 0].numel())


class FactorisedDecoder(nn.Module):
    """Dense features, corrected by the enhanced target and shallow position features.

    Args:
        channels: C.
        dim: Length of the pair's vectors.
        places: Which backbone maps give the position: indices, finest first.
    """

    def __init__(self, channels: int, dim: int, places: Sequence[int] = (0,)) -> None:
        super().__init__()
        hidden = channels // 2
        self.places = tuple(places)
        self.guide = nn.Conv2d(channels, hidden, 3, padding=1)
        self.position = nn.ModuleList([nn.Conv2d(channels, hidden, 1, bias=False) for _ in self.places])
        self.look = nn.Conv2d(dim, hidden, 1, bias=False)
        self.norm = nn.GroupNorm(1, hidden)
        self.correct = nn.Conv2d(hidden, dim, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)  # type: ignore[arg-type]
        self.log_scale = nn.Parameter(torch.tensor(SCALE).log())

    def fuse(self, maps: Sequence[Tensor], o: Tensor, dense: Tensor | None) -> Fused:
        assert dense is not None
        size = size_of(o)
        seen = F.normalize(resize(dense, size), dim=1)
        x = self.guide(o) + self.look(seen)
        for conv, place in zip(self.position, self.places, strict=True):
            x = x + conv(resize(maps[place], size))
        return {"embedding": F.normalize(seen + self.correct(F.relu(self.norm(x))), dim=1)}

    def score(self, fused: Fused, text: Tensor) -> Tensor:
        return self.log_scale.exp() * similarity(fused["embedding"], text)

    def words_at_once(self, fused: Fused) -> int:
        return max(1, ROOM // fused["embedding"][:, 0].numel())
