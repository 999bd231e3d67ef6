"""SED and STSeg from plain options."""

from __future__ import annotations

from typing import Literal

from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.stseg.sam_images import SamImages
from openvss.models.stseg.sed import SED
from openvss.models.stseg.stseg import STSeg
from openvss.models.stseg.toy import ToyPyramid
from openvss.words.templates import TEMPLATES, TemplateSet

PairName = Literal["clip-convnext-b", "clip-convnext-nano", "toy"]
SamName = Literal["vit-b", "vit-l", "vit-h", "toy", "nano"]


def build_sed(
    pair: PairName = "clip-convnext-b",
    templates: TemplateSet = "imagenet",
    square: int | None = 768,
    topk: int | None = None,
    rejecting: float = 0.0,
    width: int = 128,
    smoothing: float = 0.0,
    official: bool = False,
    rivals: bool = False,
) -> SED:
    """SED without trained weights; the options are those of `SED`."""
    return SED(_pair(pair), square, topk, rejecting, width, TEMPLATES[templates], smoothing, official, rivals)


def build_stseg(
    pair: PairName = "clip-convnext-b",
    sam: SamName = "vit-b",
    heads: int = 8,
    init: Literal["identity", "random"] = "identity",
    keep_sam_grid: bool = False,
    templates: TemplateSet = "imagenet",
    square: int | None = 768,
    topk: int | None = None,
    rejecting: float = 0.0,
    width: int = 128,
    smoothing: float = 0.0,
    official: bool = False,
    rivals: bool = False,
) -> STSeg:
    """STSeg without trained weights; the options are those of `DEA` and of `SED`."""
    return STSeg(
        _pair(pair),
        SamImages(sam),
        {"heads": heads, "init": init, "keep_sam_grid": keep_sam_grid},
        square=square,
        topk=topk,
        rejecting=rejecting,
        width=width,
        templates=TEMPLATES[templates],
        smoothing=smoothing,
        official=official,
        rivals=rivals,
    )


def _pair(name: PairName) -> ConvNextClip | ToyPyramid:
    if name == "toy":
        return ToyPyramid()
    return ConvNextClip("base" if name == "clip-convnext-b" else "nano")
