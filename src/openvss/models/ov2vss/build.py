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
    Options,
    Position,
    Supervise,
)
from openvss.words.templates import TemplateSet


def build(
    backbone: str = "mit-b2",
    pair: str = "clip-vit-b16",
    *,
    references: tuple[int, ...] = Options.references,
    channels: int = Options.channels,
    heads: int = Options.heads,
    pool: int = Options.pool,
    regions: int = Options.regions,
    cost_channels: int = Options.cost_channels,
    pair_pixels: int | None = Options.pair_pixels,
    look_stride: int = Options.look_stride,
    templates: TemplateSet = Options.templates,
    keep_templates: bool = Options.keep_templates,
    decoder: DecoderName = Options.decoder,
    affinity: Affinity = Options.affinity,
    aggregation: Aggregation = Options.aggregation,
    shared: bool = Options.shared,
    recurrent: bool = Options.recurrent,
    clip_on_all: bool = Options.clip_on_all,
    position: Position = Options.position,
    video_map: bool = Options.video_map,
    smoothing: float = Options.smoothing,
    paper_mode: bool = Options.paper_mode,
    stcf: bool = Options.stcf,
    rfe: bool = Options.rfe,
    vte: bool = Options.vte,
    fuse: Fusing = Options.fuse,
    ffn: bool = Options.ffn,
    supervise: Supervise = Options.supervise,
    alpha: float = Options.alpha,
    beta: float = Options.beta,
) -> OV2VSS:
    """The model without trained weights, from the names of a backbone and an image-text pair.

    The backbone "pair" is the one inside the pair. `Options` says what the options mean.
    """
    given = locals()
    options = Options(**{field.name: given[field.name] for field in fields(Options)})
    return OV2VSS(None if backbone == "pair" else backbone_named(backbone), pair_named(pair), options)
