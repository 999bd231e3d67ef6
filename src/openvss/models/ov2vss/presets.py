"""The presets of OV2VSS."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from openvss.errors import InputError
from openvss.models.preset import Preset, weight_of_past
from openvss.plugs import later
from openvss.words.templates import TemplateSet

DecoderName = Literal["cost", "factorised"]
Affinity = Literal["linear", "softmax"]
Aggregation = Literal["b1", "b2"]
Position = Literal["shallow", "deep", "both"]
Fusing = Literal["concat", "add"]
Supervise = Literal["target", "clip"]


@dataclass(frozen=True)
class OV2VSSOptions:
    """What can be chosen. The defaults are the paper's system and, of what is ours, a map and a memory.

    Attributes:
        backbone: By name; `pair` takes the one inside the pair.
        pair: Image-text pair, by name.
        references: Distances of the reference frames, farthest first.
        channels: C, width of every map after the backbone.
        heads: Of the attention in RFE and VTE; divides `channels` and the length of the pair's vectors.
        pool: Stride of the finest of the four grids that P2T pools to; the others have 2, 3 and 4 times that.
        regions: Soft regions that the distant frame is summarised to (Eq. 9).
        cost_channels: Width of the refined cost volume of one word.
        pair_pixels: Frames with more pixels are shrunk before the pair sees them; None: never.
        look_stride: Words look at averages of so many by so many of the pair's dense features (Eq. 11).
        templates: Prompts around each word.
        keep_templates: One vector per prompt instead of their mean; part of the weights' shape.
        decoder: `cost` is the paper's, whose price grows with the words; that of `factorised` hardly does.
        affinity: Of Eq. 4 and 6: `linear` as written, scaled; `softmax` over the tokens of the past.
        aggregation: MRCFA's plan of convolutions for Eq. 5: one a stage (`b2`) or two (`b1`).
        shared: One set of weights for all hops of the chain; False: one for each, so their number is fixed.
        recurrent: Look back at one memory carried from frame to frame instead of at the references; words
            then look at the target alone.
        clip_on_all: Words look at all frames of the clip (Eq. 11 as written); False: at the target alone, so
            that references need no pass of the pair, and training knows no memory (`smoothing`).
        position: Map that gives the cost volume its position (Eq. 13).
        video_map: Ours: the fused features are compared with the words, too, and this map is added to the
            decoder's.
        smoothing: Ours: weight of the past, 0 to less than 1, in the pair's dense features, where a video
            shows what it showed; 0 takes those of the target alone.
        paper_mode: As the equations are written: no residuals around STCF and RFE, neither `video_map` nor
            `smoothing`.
        stcf: Table III, key component; without it words look at the target alone, too.
        rfe: Table III, key component; False is also the row without a random frame.
        vte: Table III, key component; False scores projected features against the plain words, without
            `decoder`, `video_map` and `smoothing`.
        fuse: Table III, fusing strategy (Eq. 14).
        ffn: Table III, attention with or without a feed-forward network in VTE.
        supervise: Table III, one annotation (the target's) or one for each frame of the clip.
        alpha: Weight of the main loss (Eq. 15).
        beta: Weight of the auxiliary loss (Eq. 15).
    """

    backbone: str = "mit-b2"
    pair: str = "clip-vit-b16"
    references: tuple[int, ...] = (9, 6, 3)
    channels: int = 256
    heads: int = 8
    pool: int = 32
    regions: int = 64
    cost_channels: int = 16
    pair_pixels: int | None = 384 * 384
    look_stride: int = 1
    templates: TemplateSet = "imagenet"
    keep_templates: bool = False
    decoder: DecoderName = "cost"
    affinity: Affinity = "linear"
    aggregation: Aggregation = "b2"
    shared: bool = True
    recurrent: bool = False
    clip_on_all: bool = True
    position: Position = "shallow"
    video_map: bool = True
    smoothing: float = 0.9
    paper_mode: bool = False
    stcf: bool = True
    rfe: bool = True
    vte: bool = True
    fuse: Fusing = "concat"
    ffn: bool = True
    supervise: Supervise = "target"
    alpha: float = 1.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        distances = (*self.references, 0)
        if not self.references or any(a <= b for a, b in pairwise(distances)):
            raise InputError("The references of OV2VSS are distances, farthest first, such as [9, 6, 3].")
        counts = ("heads", "pool", "regions", "cost_channels", "pair_pixels", "look_stride")
        if any(count is not None and count < 1 for count in map(self.__getattribute__, counts)):
            raise InputError(f"{', '.join(counts[:-1])} and {counts[-1]} of OV2VSS are at least 1.")
        if self.channels < 16 or self.channels % 16 or self.channels % self.heads:
            raise InputError("The channels of OV2VSS must be a multiple of 16 and of heads.")
        if self.recurrent and not (self.stcf and self.shared and len(self.references) > 1):
            raise InputError("The recurrent mode of OV2VSS needs stcf, two references and shared weights.")
        weight_of_past(self.smoothing)
        if self.alpha <= 0 or self.beta < 0:
            raise InputError("alpha of OV2VSS must be positive, and beta not negative.")


PRESETS = {
    name: Preset(
        summary=f"the paper's video system on {title}",
        pair="CLIP ViT-B/16",
        options=OV2VSSOptions(backbone=backbone),
        builder=later("openvss.models.ov2vss.model:build"),
    )
    for name, title, backbone in (
        ("ov2vss-mit-b2", "MiT-B2", "mit-b2"),
        ("ov2vss-r101", "ResNet-101", "resnet-101"),
        ("ov2vss-vit-b", "the image encoder of SAM ViT-B", "vit-b"),
    )
}
