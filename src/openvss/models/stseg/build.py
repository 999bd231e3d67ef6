"""SED and STSeg from plain options."""

from __future__ import annotations

from typing import Literal

from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.stseg.sed import SED
from openvss.words import templates as prompts

TEMPLATES = {"imagenet": prompts.IMAGENET, "short": prompts.SHORT, "plain": prompts.PLAIN}


def build_sed(
    pair: Literal["clip-convnext-b", "clip-convnext-nano"] = "clip-convnext-b",
    templates: Literal["imagenet", "short", "plain"] = "imagenet",
    square: int | None = 768,
    topk: int | None = None,
    width: int = 128,
    smoothing: float = 0.0,
    official: bool = False,
) -> SED:
    """SED without trained weights; the options are those of `SED`."""
    return SED(_pair(pair), square, topk, width, TEMPLATES[templates], smoothing, official)


def _pair(name: str) -> ConvNextClip:
    return ConvNextClip("base" if name == "clip-convnext-b" else "nano")
