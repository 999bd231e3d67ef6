"""The paper's SAM baseline, `sam-clip`, and the same idea with what is bundled, `regions-tiny`."""

from __future__ import annotations

from typing import Literal

from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.sam import Sam
from openvss.models.encoders.tiny import TinyPair
from openvss.models.regions.model import RegionsAndNames
from openvss.models.regions.namers import Crops, Pooled
from openvss.models.regions.sam_masks import MaskChoice, SamMasks
from openvss.models.regions.superpixels import Superpixels
from openvss.models.tiny.model import SIZE
from openvss.models.tiny.model import TEMPLATES as TINY_TEMPLATES
from openvss.words.templates import TEMPLATES, TemplateSet


def build_sam_clip(
    sam: Literal["vit-b", "vit-l", "vit-h", "nano"] = "vit-b",
    pair: Literal["vit-b16", "nano"] = "vit-b16",
    namer: Literal["crops", "pooled"] = "crops",
    points: int = 32,
    quality: float = 0.88,
    stability: float = 0.95,
    overlap: float = 0.7,
    templates: TemplateSet = "imagenet",
    temperature: float = 0.01,
) -> RegionsAndNames:
    """SAM's automatic masks, named by CLIP.

    Args:
        sam: Size of SAM.
        pair: Size of CLIP.
        namer: "crops" has CLIP look at each region as at an image; "pooled" takes the mean of dense features,
            for one pass of CLIP a frame.
        points: As for `MaskChoice`.
        quality: As for `MaskChoice`.
        stability: As for `MaskChoice`.
        overlap: As for `MaskChoice`.
        templates: Prompts around each word.
        temperature: CLIP's own is 0.01.
    """
    clip = ClipViT(pair)
    regions = SamMasks(Sam(sam), MaskChoice(points, quality, stability, overlap=overlap))
    named = Crops(clip) if namer == "crops" else Pooled(clip)
    return RegionsAndNames(regions, named, TEMPLATES[templates], size=480, temperature=temperature)


def build_regions_tiny(
    count: int = 600, compactness: float = 10.0, rounds: int = 5, temperature: float = 0.05
) -> RegionsAndNames:
    """Superpixels, named by the bundled pair; the options are those of `Superpixels`."""
    namer = Pooled(TinyPair().requires_grad_(False))
    regions = Superpixels(count, compactness, rounds)
    return RegionsAndNames(regions, namer, TINY_TEMPLATES, SIZE, temperature)
