"""Backbones and an image-text pair of a few thousand weights, and what they are shown."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import VideoModel
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.words import WordEmbeddings
from openvss.words.vocabulary import Vocabulary
from tests.models.suite import WORDS, video
from tests.models.two_frame import LetterText

SMALL: dict[str, Any] = {"channels": 16, "heads": 2, "pool": 16, "regions": 5, "cost_channels": 4}


class Pyramid(nn.Module):
    """Strided convolutions; equal strides after the first give the maps of a plain transformer."""

    def __init__(self, channels: tuple[int, ...] = (6, 8, 10, 12), strides: tuple[int, ...] = (4, 8, 16, 32)):
        super().__init__()
        self.channels, self.strides = channels, strides
        steps = [b // a for a, b in zip((1, *strides), strides, strict=False)]
        kernels = [step + 1 if step > 1 else 3 for step in steps]
        inputs = (3, *channels)
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(i, c, kernel, step, padding=kernel // 2)
                for i, c, step, kernel in zip(inputs, channels, steps, kernels, strict=False)
            ]
        )
        for conv in self.convs:  # as textured as the maps of a trained backbone
            nn.init.kaiming_normal_(conv.get_parameter("weight"))

    def forward(self, frames: Tensor) -> list[Tensor]:
        maps, x = [], 4 * (frames - 0.5)
        for conv in self.convs:
            x = F.gelu(conv(x)) + 0.1
            maps.append(x)
        return maps


class SmallPair(nn.Module):
    """Dense features at stride 8 in the space of `LetterText`; its backbone can be shared."""

    def __init__(self) -> None:
        super().__init__()
        self.text = LetterText()
        self.dim = self.text.dim
        self.backbone = Pyramid((6, 8, 10), (8, 16, 32))
        self.project = nn.Conv2d(6, self.dim, 1)

    def dense(self, frames: Tensor) -> Tensor:
        return self.dense_of(self.backbone(frames))

    def dense_of(self, maps: list[Tensor]) -> Tensor:
        return self.project(maps[0])


def textured(n: int, size: tuple[int, int] = (64, 96), seed: int = 0) -> Tensor:
    """Frames of coloured squares, 8 pixels wide: noise of single pixels is gone once it is pooled."""
    frames = video(n, size[0] // 8, size[1] // 8, seed)
    return frames.repeat_interleave(8, 2).repeat_interleave(8, 3)


def words(model: VideoModel, text: str = WORDS) -> WordEmbeddings:
    return model.embed(Vocabulary.parse(text))


def small(backbone: Pyramid | None = None, shared_backbone: bool = False, **options: Any) -> OV2VSS:
    """A test-size OV2VSS, MiT-like unless another backbone is given."""
    chosen = None if shared_backbone else backbone or Pyramid()
    return OV2VSS(chosen, SmallPair(), OV2VSSOptions(**{**SMALL, **options}))
