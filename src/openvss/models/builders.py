"""What builds each system, and what renames weights of other software: imported once it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from openvss.models.base import VideoModel

Builder = Callable[..., "VideoModel"]
KeyMap = Callable[["Mapping[str, Tensor]"], "dict[str, Tensor]"]


def tiny() -> Builder:
    """The bundled model."""
    from openvss.models.tiny import build

    return build


def ov2vss() -> Builder:
    """OV2VSS."""
    from openvss.models.ov2vss.build import build

    return build


def sed() -> Builder:
    """SED."""
    from openvss.models.stseg.build import build_sed

    return build_sed


def sed_keys() -> KeyMap:
    """SED's released checkpoints."""
    from openvss.weights.sed import sed

    return sed


def stseg() -> Builder:
    """STSeg."""
    from openvss.models.stseg.build import build_stseg

    return build_stseg


def segformer() -> Builder:
    """SegFormer."""
    from openvss.models.cffm.build import build_segformer

    return build_segformer


def cffm() -> Builder:
    """CFFM and CFFM++."""
    from openvss.models.cffm.build import build

    return build


def segformer_keys() -> KeyMap:
    """SegFormer's checkpoints in CFFM's release."""
    from openvss.weights.cffm import segformer

    return segformer


def cffm_keys() -> KeyMap:
    """The authors' checkpoints of CFFM and CFFM++."""
    from openvss.weights.cffm import cffm

    return cffm


def sam_clip() -> Builder:
    """Regions from SAM, named by CLIP."""
    from openvss.models.sam_clip import build_sam_clip

    return build_sam_clip


def regions_tiny() -> Builder:
    """Superpixels, named by the pair of `tiny`."""
    from openvss.models.sam_clip import build_regions_tiny

    return build_regions_tiny
