"""A pair and a SAM of a few thousand parameters, for tests that are about what is built on them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from tests.models.two_frame import LetterText


class StandInPair(nn.Module):
    """Four convolutions and a projection to the space of `LetterText`."""

    channels = (8, 8, 12, 16)
    strides = (4, 8, 16, 32)
    dim = LetterText.dim

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *self.channels)
        self.steps = nn.ModuleList(
            nn.Conv2d(a, b, s, stride=s) for a, b, s in zip(inputs, self.channels, (4, 2, 2, 2), strict=False)
        )
        self.out = nn.Linear(16, self.dim, bias=False)
        self.text = LetterText()

    def forward(self, frames: Tensor) -> list[Tensor]:
        maps = [frames]
        for step in self.steps:
            maps.append(F.gelu(step(maps[-1])))
        return maps[1:]

    def project(self, top: Tensor) -> Tensor:
        return self.out(top.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class StandInSam(nn.Module):
    """A frozen convolution that always sees 64 x 64 pixels."""

    dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, self.dim, 8, stride=8).requires_grad_(False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.look(F.interpolate(frames, (64, 64), mode="bilinear"))
