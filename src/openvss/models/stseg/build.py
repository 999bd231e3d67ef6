"""SED and STSeg from plain options."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from openvss.errors import InputError
from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.models.stseg.sam_images import SamImages
from openvss.models.stseg.sed import SED
from openvss.models.stseg.stseg import STSeg
from openvss.words.templates import TEMPLATES, TemplateSet

PYRAMIDS: dict[str, Callable[[], Any]] = {
    "clip-convnext-b": ConvNextClip,
    "clip-convnext-nano": partial(ConvNextClip, "nano"),
}
SamName = Literal["vit-b", "vit-l", "vit-h", "toy", "nano"]


def build_sed(
    pair: str = "clip-convnext-b",
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
    pair: str = "clip-convnext-b",
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


def _pair(name: str) -> ConvNextClip:
    if name not in PYRAMIDS:
        raise InputError(
            f"There is no image-text pair {name!r} for SED: choose one of {', '.join(PYRAMIDS)}."
        )
    made: ConvNextClip = PYRAMIDS[name]()
    return made
