"""The toy pair as a pyramid, for comparisons that fit two cores."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from projects.toy.encoders import DIM, ToyBackbone, ToyPair, ToyText


class ToyPyramid(nn.Module):
    """Its dense map, at stride 8, is what is compared with words; the maps at strides 2 and 4 are detail.

    Its image side is trained along, as SED's is.
    """

    channels = (*ToyBackbone.channels[:2], DIM)
    strides = (2, 4, 8)

    def __init__(self) -> None:
        super().__init__()
        self.toy = ToyPair()
        for part in (self.toy.backbone, self.toy.lateral, self.toy.merge, self.toy.project):
            part.requires_grad_(True)
        self.dim: int = self.toy.dim
        self.text: ToyText = self.toy.text

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in 0..1 -> maps at strides 2, 4 and 8, the last in the space of the words."""
        return [*self.toy.backbone(frames)[:2], F.avg_pool2d(self.toy.dense(frames), 2)]

    def project(self, top: Tensor) -> Tensor:
        return top
