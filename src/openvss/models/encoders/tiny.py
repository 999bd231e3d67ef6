"""The bundled image encoder: EfficientNet-Lite0 features mapped, position by position, to text space.

The deepest map (stride 32) looks at all of itself, the middle one (16) mixes neighbourhoods, the finest (8)
restores edges. Beside them runs a path that was not trained on segmented pictures: the ImageNet classifier
that came with the backbone gives every position and its surroundings a mean name, and gates say how much
these count.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.imagenet_names import ImageNetNames, Names
from openvss.models.encoders.lite0 import Lite0
from openvss.models.encoders.minilm import MiniLM
from openvss.models.layers.constants import built_once
from openvss.models.layers.resize import means
from openvss.models.words import TextEncoder
from openvss.weights import bundled
from openvss.weights.checkpoint import load_state
from openvss.weights.strict import fill

TEMPLATES = ("{}", "a photo of a {}", "a picture of the {}")  # around the words that it was aligned to
SIZE = 320  # short side of the frames that it was trained on
NAME_SCALE = 4.0  # a mean name has small entries beside the backbone's features
PLACE_SCALE = 0.2


class Parts(NamedTuple):
    """What the vectors of a frame are made of, each at its own resolution, channels last."""

    fine: Tensor  # (B, h, w, F) at stride 8
    middle: Tensor  # (B, h', w', dim) at stride 16
    name: Tensor  # (B, h'', w'', dim) at stride 32


class TinyEncoder(nn.Module):
    """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H/8), ceil(W/8)), unit vectors in the text space.

    Args:
        dim: Length of the text vectors.
        width: Channels at stride 16, where context is mixed by neighbourhoods.
        deep: Channels at stride 32, where every position looks at every other.
        fine: Channels at stride 8, which restores edges.
    """

    def __init__(self, dim: int = 384, width: int = 256, deep: int = 256, fine: int = 96) -> None:
        super().__init__()
        self.backbone = Lite0()
        c8, c16, c32 = self.backbone.channels
        self.names = ImageNetNames(c32, dim)
        self.enter = nn.Linear(c32 + 2 * dim, deep)
        self.attend = nn.Sequential(*(Attend(deep) for _ in range(2)))
        self.norm = nn.LayerNorm(deep)
        self.gate = nn.Linear(deep, 2)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, -1.0)
        self.join = nn.Linear(c8 + c16 + deep, width)
        self.context = nn.Sequential(*(Mix(width) for _ in range(3)))
        self.lateral = nn.Linear(c8, fine)
        self.down = nn.Linear(width, fine)
        self.refine = Mix(fine, kernel=5)
        self.from_fine = nn.Linear(fine, dim)
        self.from_middle = nn.Linear(width, dim)

    def forward(self, frames: Tensor) -> Tensor:
        return self.head(self.backbone(frames))

    def head(self, maps: list[Tensor]) -> Tensor:
        """The backbone's three maps -> dense text-space vectors."""
        parts = self.parts(maps, self.names(maps[-1]))
        size = (parts.fine.shape[1], parts.fine.shape[2])
        dense = self.vectors(parts.fine, resize(parts.middle, size), resize(parts.name, size))
        return dense.permute(0, 3, 1, 2)

    def parts(self, maps: list[Tensor], names: Names, dropout: float = 0.0) -> Parts:
        """Maps (B, C, h, w), finest first, and the names of the last."""
        c8, c16, c32 = (x.permute(0, 2, 3, 1) for x in maps)
        x = self.enter(torch.cat([c32, NAME_SCALE * names.here, NAME_SCALE * names.around], dim=-1))
        x = x + PLACE_SCALE * places(x.shape[1], x.shape[2], x.shape[3], x.device)
        x = self.norm(self.attend(x.flatten(1, 2))).view_as(x)
        size = (c16.shape[1], c16.shape[2])
        joined = torch.cat([resize(c8, size), c16, resize(x, size)], dim=-1)
        y = self.context(self.join(F.dropout(joined, dropout)))
        fine = self.refine(resize(self.down(y), (c8.shape[1], c8.shape[2])) + self.lateral(c8))
        gates = 2 * torch.sigmoid(self.gate(x))
        name = gates[..., :1] * names.here + gates[..., 1:] * names.around
        return Parts(fine, self.from_middle(y), name)

    def vectors(self, fine: Tensor, middle: Tensor, name: Tensor) -> Tensor:
        """Unit vectors (..., dim) from the three parts at the same positions."""
        own = F.normalize(self.from_fine(fine) + middle, dim=-1)
        return F.normalize(own + name, dim=-1)


class Attend(nn.Module):
    """Transformer layer: (B, L, C) -> the same."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + self.project(seen)
        return x + self.down(F.gelu(self.up(self.norm_mlp(x))))


class Mix(nn.Module):
    """ConvNeXt's residual block, channels last: depth-wise for context, two layers for channels."""

    def __init__(self, width: int, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + self.down(F.gelu(self.up(self.norm(y))))


@built_once(16)
def places(h: int, w: int, channels: int, device: torch.device) -> Tensor:
    """(1, h, w, C): how high, and how far from the middle column, in waves of C / 4 lengths."""
    y, x = (torch.arange(size, device=device).float() for size in (h, w))
    y = (y / y.amax().clamp(min=1))[:, None].expand(h, w)
    x = (x / x.amax().clamp(min=1))[None].expand(h, w)
    waves = torch.arange(1, channels // 4 + 1, device=device) * math.pi / 2
    angles = [place[..., None] * waves for place in (y, 2 * (x - 0.5).abs())]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], dim=-1)[None]


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h, w, C) -> (B, *size, C): means where it shrinks."""
    y = x.permute(0, 3, 1, 2)
    if y.shape[-2] > size[0]:
        y = means(y, size)
    else:
        y = F.interpolate(y, size, mode="bilinear", align_corners=False)
    return y.permute(0, 2, 3, 1)


class TinyPair(nn.Module):
    """The bundled `ImageText` pair: `TinyEncoder` and MiniLM.

    Its backbone may serve others: `dense_of` does the rest from the backbone's maps.
    """

    def __init__(self, text: TextEncoder | None = None) -> None:
        super().__init__()
        self.text: TextEncoder = text or MiniLM()
        self.dim = self.text.dim
        self.image = TinyEncoder(self.dim).requires_grad_(False)

    def load_pretrained(self) -> None:
        """Fill it from the weights of the bundled model."""
        prefix = "pair."
        state = load_state(bundled.path("tiny"))
        own = {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix)}
        fill(self, own, str(bundled.path("tiny")))

    @property
    def backbone(self) -> Lite0:
        """The part that a video model can share."""
        return self.image.backbone

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H / 8), ceil(W / 8)), of unit length."""
        return self.image(frames)

    def dense_of(self, maps: list[Tensor]) -> Tensor:
        """The rest of `dense`."""
        return self.image.head(maps)
