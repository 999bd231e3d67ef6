"""What models are built on: backbones that give pyramids, pairs that relate images to words, and regions."""

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
    """An image-text pair whose image side starts with a backbone that others can share."""

    @property
    def backbone(self) -> Backbone:
        """Gives the maps."""
        ...

    def dense_of(self, maps: list[Tensor]) -> Tensor:
        """The rest of `dense`, from the backbone's maps."""
        ...


class PyramidPair(Protocol):
    """An image-text pair that also gives the maps below its dense features.

    The published one has strides 4, 8, 16 and 32; any strides that double will do.
    """

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        ...

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        ...

    @property
    def dim(self) -> int:
        """Length of the vectors that images and words share."""
        ...

    @property
    def text(self) -> TextEncoder:
        """Turns phrases into vectors."""
        ...

    def __call__(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> maps, finest first."""
        ...

    def project(self, top: Tensor) -> Tensor:
        """The coarsest map, position by position, into the space of the words."""
        ...


class Regions(Protocol):
    """Cuts images into regions: every pixel belongs to exactly one, which need not be connected."""

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, H, W) ids, counted from 0 in each image; ids may be unused."""
        ...


@runtime_checkable
class Pretrained(Protocol):
    """A backbone or image-text pair, an `nn.Module`, that can start from published weights."""

    def load_pretrained(self) -> None:
        """Fill all of it from a local folder or the hub, strictly; sizes for tests keep what they have."""
        ...
