"""Regions and names: frames are cut into regions without words, and each region takes the best word."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.contract import Regions
from openvss.models.encoders.sam import Sam
from openvss.models.encoders.tiny import SIZE, TinyPair
from openvss.models.encoders.tiny import TEMPLATES as TINY_TEMPLATES
from openvss.models.regions.namers import Crops, Namer, Pooled
from openvss.models.regions.presets import RegionsTinyOptions, SamClipOptions
from openvss.models.regions.sam_masks import SamMasks
from openvss.models.regions.superpixels import Superpixels
from openvss.models.words import WordEmbeddings
from openvss.words.templates import TEMPLATES

MOST = 1 << 25  # logits at once: 128 MB


class RegionsAndNames(VideoModel):
    """Labels each frame alone, one word to a region.

    Args:
        regions: Cuts frames into regions.
        namer: Says what each shows.
        templates: Prompts around each word.
        size: Default short side of frames.
        temperature: Of the softmax over cosines; it decides confidences, not labels.
    """

    def __init__(
        self, regions: Regions, namer: Namer, templates: Sequence[str], size: int, temperature: float
    ) -> None:
        super().__init__()
        self.regions = regions
        self.namer = namer
        self.text = namer.text
        self.templates = tuple(templates)
        self.size = size
        self.temperature = temperature

    def encode(self, frames: Tensor) -> FrameFeatures:
        ids = self.regions(frames)
        return {"ids": ids.to(torch.int32), "regions": self.namer(frames, ids)}  # (B, H, W), (B, R, D)

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        cosine = torch.einsum("brd,nd->bnr", fused["regions"], words.embeddings.mean(1)) / self.temperature
        ids = _thinned(fused["ids"], len(words.names))
        each = [scores[:, place] for scores, place in zip(cosine, ids.long(), strict=True)]
        return Output(torch.stack(each))  # (B, N, h, w)


def _thinned(ids: Tensor, words: int) -> Tensor:
    """The ids of all pixels, or of every second, fourth, ... each way if the scores would not fit."""
    step = 1
    while ids[0].numel() * words > MOST * step**2:
        step *= 2
    return ids[:, step // 2 :: step, step // 2 :: step]


def build_sam_clip(options: SamClipOptions) -> RegionsAndNames:
    """SAM's automatic masks, named by CLIP."""
    o, clip = options, ClipViT(options.pair)
    regions = SamMasks(Sam(o.sam), o)
    named = Crops(clip) if o.namer == "crops" else Pooled(clip)
    return RegionsAndNames(regions, named, TEMPLATES[o.templates], size=480, temperature=o.temperature)


def build_regions_tiny(options: RegionsTinyOptions) -> RegionsAndNames:
    """Superpixels, named by the bundled pair."""
    o, namer = options, Pooled(TinyPair().requires_grad_(False))
    regions = Superpixels(o.count, o.compactness, o.rounds)
    return RegionsAndNames(regions, namer, TINY_TEMPLATES, SIZE, o.temperature)
