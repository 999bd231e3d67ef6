"""What models are built on: backbones that give pyramids, and pairs that relate images to words."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from openvss.models.words import TextEncoder


class Backbone(Protocol):
    """An `nn.Module` from (B, 3, H, W) RGB in 0..1, which it normalises itself, to a list of feature maps.

    Any height and width from 32 up will do: a map of stride s has at least ceil(H / s) - 1 rows.
    """

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each map, finest first."""
        ...

    @property
    def strides(self) -> tuple[int, ...]:
        """Of each map; equal strides are allowed (plain ViT)."""
        ...

    def __call__(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> maps (B, channels[i], h_i, w_i), finest first."""
        ...


class ImageText(Protocol):
    """An `nn.Module` whose dense image features and text vectors live in one space; frozen unless said."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    @property
    def text(self) -> TextEncoder:
        """Turns phrases into vectors of the same space."""
        ...

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, h, w), keeping the aspect ratio; not normalised."""
        ...


class PairWithBackbone(ImageText, Protocol):
    """An image-text pair whose image side starts with a backbone that others may use too."""

    @property
    def backbone(self) -> Backbone:
        """Gives the maps."""
        ...

    def dense_of(self, maps: list[Tensor]) -> Tensor:
        """The rest of `dense`, from the backbone's maps."""
        ...


@runtime_checkable
class Pretrained(Protocol):
    """A backbone or image-text pair, an `nn.Module`, that can start from published weights."""

    def load_pretrained(self) -> None:
        """Fill all of it from a local folder or the hub, strictly; sizes for tests keep what they have."""
        ...
