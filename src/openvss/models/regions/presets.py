"""The paper's SAM baseline, `sam-clip`, and the same idea with what is bundled, `regions-tiny`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openvss.models.preset import Preset
from openvss.plugs import later
from openvss.words.templates import TemplateSet


@dataclass(frozen=True)
class SamClipOptions:
    """What can be chosen of SAM's automatic masks, named by CLIP; the masks' defaults are their authors'.

    Attributes:
        sam: Size of SAM.
        pair: Size of CLIP.
        namer: "crops" has CLIP look at each region as at an image; "pooled" takes the mean of dense features,
            for one pass of CLIP a frame.
        points: To a side of the grid of prompts, each of which gives three masks.
        quality: The least overlap with what was meant that SAM foresees for a mask.
        stability: The least IoU of the mask cut above and below its threshold.
        overlap: Of two masks whose boxes overlap by more than this (IoU), the better one.
        templates: Prompts around each word.
        temperature: CLIP's own is 0.01.
    """

    sam: Literal["vit-b", "vit-l", "vit-h", "nano"] = "vit-b"
    pair: Literal["vit-b16", "nano"] = "vit-b16"
    namer: Literal["crops", "pooled"] = "crops"
    points: int = 32
    quality: float = 0.88
    stability: float = 0.95
    overlap: float = 0.7
    templates: TemplateSet = "imagenet"
    temperature: float = 0.01


@dataclass(frozen=True)
class RegionsTinyOptions:
    """What can be chosen of superpixels, named by the bundled pair.

    Attributes:
        count: About how many superpixels to an image.
        compactness: What difference in Lab colour one cell's width is worth; more makes them rounder.
        rounds: Of k-means.
        temperature: Of the softmax over cosines; it decides confidences, not labels.
    """

    count: int = 600
    compactness: float = 10.0
    rounds: int = 5
    temperature: float = 0.05


PRESETS = {
    "sam-clip": Preset(
        summary="regions from SAM, each named by CLIP; each frame alone",
        pair="CLIP ViT-B/16",
        options=SamClipOptions(),
        builder=later("openvss.models.regions.model:build_sam_clip"),
        parts="published, from a local folder or the hub",
    ),
    "regions-tiny": Preset(
        summary="superpixels, each named by the pair of tiny; works offline",
        pair="EfficientNet-Lite0 features aligned to MiniLM text",
        options=RegionsTinyOptions(),
        builder=later("openvss.models.regions.model:build_regions_tiny"),
        parts="bundled, those of tiny",
    ),
}
