"""OV2VSS by the names of its parts."""

from __future__ import annotations

from dataclasses import fields

from openvss.models.encoders.backbones import backbone as backbone_named
from openvss.models.encoders.pairs import pair as pair_named
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.ov2vss.options import (
    Affinity,
    Aggregation,
    DecoderName,
    Fusing,
    OV2VSSOptions,
    Position,
    Supervise,
)
from openvss.words.templates import TemplateSet


def build(
    backbone: str = "mit-b2",
    pair: str = "clip-vit-b16",
    *,
    references: tuple[int, ...] = OV2VSSOptions.references,
    channels: int = OV2VSSOptions.channels,
    heads: int = OV2VSSOptions.heads,
    pool: int = OV2VSSOptions.pool,
    regions: int = OV2VSSOptions.regions,
    cost_channels: int = OV2VSSOptions.cost_channels,
    pair_pixels: int | None = OV2VSSOptions.pair_pixels,
    look_stride: int = OV2VSSOptions.look_stride,
    templates: TemplateSet = OV2VSSOptions.templates,
    keep_templates: bool = OV2VSSOptions.keep_templates,
    decoder: DecoderName = OV2VSSOptions.decoder,
    affinity: Affinity = OV2VSSOptions.affinity,
    aggregation: Aggregation = OV2VSSOptions.aggregation,
    shared: bool = OV2VSSOptions.shared,
    recurrent: bool = OV2VSSOptions.recurrent,
    clip_on_all: bool = OV2VSSOptions.clip_on_all,
    position: Position = OV2VSSOptions.position,
    video_map: bool = OV2VSSOptions.video_map,
    smoothing: float = OV2VSSOptions.smoothing,
    paper_mode: bool = OV2VSSOptions.paper_mode,
    stcf: bool = OV2VSSOptions.stcf,
    rfe: bool = OV2VSSOptions.rfe,
    vte: bool = OV2VSSOptions.vte,
    fuse: Fusing = OV2VSSOptions.fuse,
    ffn: bool = OV2VSSOptions.ffn,
    supervise: Supervise = OV2VSSOptions.supervise,
    alpha: float = OV2VSSOptions.alpha,
    beta: float = OV2VSSOptions.beta,
) -> OV2VSS:
    """The model without trained weights, from the names of a backbone and an image-text pair.

    The backbone "pair" is the one inside the pair. `OV2VSSOptions` says what the options mean.
    """
    given = locals()
    options = OV2VSSOptions(**{field.name: given[field.name] for field in fields(OV2VSSOptions)})
    return OV2VSS(None if backbone == "pair" else backbone_named(backbone), pair_named(pair), options)
