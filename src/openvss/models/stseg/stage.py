"""One stage of the gradual-fusion decoder: look around, look at the other words, double the resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.stseg.class_attention import ClassAttention, Summary


@dataclass
class DecoderPart:
    """Some of the words on their way through the decoder.

    Attributes:
        ids: Which words, (n,).
        x: Their maps, (B, n, C, h, w).
        guide: What is left of their costs, (B, n, G, h, w).
    """

    ids: Tensor
    x: Tensor
    guide: Tensor


class Surroundings(nn.Module):
    """ConvNeXt block with a depth-wise 9x9 convolution: spatial aggregation, each word for itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 9, padding=4, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class Fusion(nn.Module):
    """Doubles the resolution and joins a word's map with the image's detail and the word's own cost.

    Of the joined channels three fifths are the word's map, one fifth is the skip and one fifth the cost.
    """

    def __init__(self, width: int, skip: int, guide: int) -> None:
        super().__init__()
        quarter = width // 4
        self.raise_map = nn.ConvTranspose2d(width, 3 * quarter, 2, stride=2)
        self.skip = nn.Sequential(nn.Conv2d(skip, quarter, 3, padding=1), nn.ReLU())
        self.guide = nn.Sequential(nn.ConvTranspose2d(guide, quarter, 2, stride=2), nn.ReLU())
        self.join = _double_conv(5 * quarter, width // 2)

    def forward(self, part: DecoderPart, detail: Tensor) -> DecoderPart:
        """`detail` is (B, C/4, 2h, 2w): `self.skip` of the image's map, the same for every word."""
        batch, n = part.x.shape[:2]
        guide = self.guide(part.guide.flatten(0, 1))
        detail = detail[:, None].expand(-1, n, -1, -1, -1).flatten(0, 1)
        x = self.join(torch.cat([self.raise_map(part.x.flatten(0, 1)), detail, guide], dim=1))
        return DecoderPart(part.ids, x.unflatten(0, (batch, n)), guide.unflatten(0, (batch, n)))


class DecoderStage(nn.Module):
    """(B, n, C, h, w) -> (B, n, C/2, 2h, 2w) for every part of the words."""

    def __init__(self, width: int, skip: int, guide: int, heads: int = 4) -> None:
        super().__init__()
        self.surroundings = Surroundings(width)
        self.attention = ClassAttention(width, heads)
        self.fusion = Fusion(width, skip, guide)

    def forward(self, parts: list[DecoderPart], skip: Tensor) -> Iterator[DecoderPart]:
        """Consumes `parts`, so that of two resolutions only what is still needed is held."""
        everything = self._look(parts)
        detail = self.fusion.skip(skip)
        while parts:
            part = parts.pop(0)
            part.x = self.attention(part.x, everything)
            yield self.fusion(part, detail)

    def _look(self, parts: list[DecoderPart]) -> Summary:
        for part in parts:
            part.x = self.surroundings(part.x.flatten(0, 1)).unflatten(0, part.x.shape[:2])
        summaries = [self.attention.summary(part.x) for part in parts]
        return sum(summaries[1:], start=summaries[0])


def _double_conv(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        conv = nn.Conv2d(channels, outputs, 3, padding=1, bias=False)
        layers += [conv, nn.GroupNorm(max(1, outputs // 16), outputs), nn.ReLU()]
    return nn.Sequential(*layers)
