"""The bundled image encoder: EfficientNet-Lite0 features mapped, position by position, to text space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.lite0 import Lite0
from openvss.models.encoders.minilm import MiniLM
from openvss.models.words import TextEncoder
from openvss.weights import bundled


class Mix(nn.Module):
    """Residual block in the manner of ConvNeXt: depth-wise 7x7 for context, two 1x1 for channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.up = nn.Conv2d(width, 2 * width, 1)
        self.down = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.gelu(self.up(self.norm(self.depthwise(x)))))


class TinyEncoder(nn.Module):
    """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H/8), ceil(W/8)), unit vectors in the text space.

    Context is mixed at stride 16, where it is cheap; one block at stride 8 restores edges.
    """

    def __init__(self, dim: int = 384, width: int = 224, depth: int = 4) -> None:
        super().__init__()
        self.backbone = Lite0()
        fine, middle, coarse = self.backbone.channels
        self.gather = nn.Conv2d(fine + middle + coarse, width, 1)
        self.context = nn.Sequential(*(Mix(width) for _ in range(depth)))
        self.lateral = nn.Conv2d(fine, width, 1)
        self.refine = Mix(width)
        self.project = nn.Conv2d(width, dim, 1)

    def forward(self, frames: Tensor) -> Tensor:
        return self.head(self.backbone(frames))

    def head(self, maps: list[Tensor]) -> Tensor:
        """The backbone's three maps -> dense text-space vectors."""
        fine, middle, coarse = maps
        x = torch.cat([_resize(fine, middle), middle, _resize(coarse, middle)], dim=1)
        x = self.context(self.gather(x))
        x = self.refine(_resize(x, fine) + self.lateral(fine))
        return F.normalize(self.project(x), dim=1)


class TinyPair(nn.Module):
    """The bundled `ImageText` pair: `TinyEncoder` and MiniLM."""

    def __init__(self, text: TextEncoder | None = None) -> None:
        super().__init__()
        self.text: TextEncoder = text or MiniLM()
        self.dim = self.text.dim
        self.image = TinyEncoder(self.dim).requires_grad_(False)

    def load_pretrained(self) -> None:
        bundled.load_into(self, bundled.path("tiny"))

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H / 8), ceil(W / 8)), of unit length."""
        return self.image(frames)

    @property
    def backbone(self) -> Lite0:
        """The part that a video model can share."""
        return self.image.backbone

    def dense_of(self, maps: list[Tensor]) -> Tensor:
        """The rest of `dense`."""
        return self.image.head(maps)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    size = (like.shape[-2], like.shape[-1])
    if x.shape[-2] > like.shape[-2]:
        return F.adaptive_avg_pool2d(x, size)
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
