"""What finds regions and what names them: two parts that know nothing of each other."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from openvss.models.words import TextEncoder


class Regions(Protocol):
    """Cuts images into regions: every pixel belongs to exactly one, which need not be connected."""

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, H, W) ids, counted from 0 in each image; ids may be unused."""
        ...


class Namer(Protocol):
    """An `nn.Module` that turns each region into a vector of the space of words."""

    @property
    def text(self) -> TextEncoder:
        """Turns phrases into vectors of the same space."""
        ...

    def __call__(self, frames: Tensor, ids: Tensor) -> Tensor:
        """(B, 3, H, W) and (B, H, W) -> (B, R, D) of unit length, R more than any id; zero if unused."""
        ...
