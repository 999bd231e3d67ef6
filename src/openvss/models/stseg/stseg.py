"""STSeg: SED on features that attention has sharpened with those of a frozen SAM."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from openvss.models.base import FrameFeatures
from openvss.models.encoders.contract import PyramidPair
from openvss.models.encoders.pairs import pyramid
from openvss.models.stseg.dea import DEA
from openvss.models.stseg.presets import STSegOptions
from openvss.models.stseg.sam_images import SamImages
from openvss.models.stseg.sed import SED


class ImageEncoder(Protocol):
    """SAM's image side, frozen."""

    @property
    def dim(self) -> int:
        """Channels of its map."""
        ...

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 of any size -> (B, dim, h, w)."""
        ...


class STSeg(SED):
    """SED whose coarsest map passes through DEA; the maps for detail stay CLIP's.

    What self-training adds lives in `openvss.training`: at inference the model is this and nothing else.

    Args:
        pair: As for SED.
        sam: Sees the same frames.
        options: All the rest; what they name is given ready-made.
    """

    def __init__(self, pair: PyramidPair, sam: ImageEncoder, options: STSegOptions) -> None:
        super().__init__(pair, options)
        self.sam = sam
        self.dea = DEA(pair.dim, sam.dim, options.heads, options.init, options.keep_sam_grid)

    def encode(self, frames: Tensor) -> FrameFeatures:
        frames = self._fit(frames)
        features = super().encode(frames)
        return features | {"dense": self.dea(features["dense"], self.sam(frames))}


def build(options: STSegOptions) -> STSeg:
    """The model without trained weights."""
    return STSeg(pyramid(options.pair), SamImages(options.sam), options)
