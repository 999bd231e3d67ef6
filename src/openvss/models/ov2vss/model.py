"""OV2VSS put together: the paper's figure 3 as a `VideoModel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.errors import InputError
from openvss.models.base import (
    FrameFeatures,
    Fused,
    Memory,
    Output,
    VideoContext,
    VideoModel,
    encode_clips,
)
from openvss.models.encoders.backbones import backbone
from openvss.models.encoders.contract import Backbone, ImageText, PairWithBackbone
from openvss.models.encoders.pairs import pair
from openvss.models.layers.resize import at_most, size_of
from openvss.models.ov2vss.affinity import SCALES
from openvss.models.ov2vss.decoder import CostDecoder, OV2VSSDecoder
from openvss.models.ov2vss.factorised import FactorisedDecoder, PlainDecoder, TextCosine
from openvss.models.ov2vss.features import frame_features, maps, pack, unpack, views
from openvss.models.ov2vss.memory import follow_all, remember
from openvss.models.ov2vss.merge import Merge
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.ov2vss.rfe import RFE
from openvss.models.ov2vss.stcf import STCF
from openvss.models.ov2vss.vte import VTE
from openvss.models.words import WordEmbeddings
from openvss.words.templates import TEMPLATES

PLACES = {"shallow": (0,), "deep": (-1,), "both": (0, -1)}
DECODED = 8  # stride of the logits, unless the maps are finer


class OV2VSS(VideoModel):
    """Open-vocabulary video semantic segmentation.

    Args:
        backbone: Gives the maps; None takes the pair's own, so that it runs once.
        pair: Relates images to words; frozen.
        options: All the rest; that it names both does not matter here.
    """

    def __init__(self, backbone: Backbone | None, pair: ImageText, options: OV2VSSOptions) -> None:
        super().__init__()
        o = self.options = options
        if pair.dim % o.heads:
            raise InputError(f"The pair's vectors have {pair.dim} numbers: heads must divide it.")
        self.pair = pair
        cast(nn.Module, pair).requires_grad_(False)
        # the text encoder belongs to the pair: as an attribute it would be registered, and saved, twice
        self.__dict__["text"] = pair.text
        self.templates = TEMPLATES[o.templates]
        self.average_templates = not o.keep_templates
        self.prompts = len(self.templates) if o.keep_templates else 1
        self.references = o.references if o.stcf and not o.recurrent else ()
        self.looks_at_references = o.vte and o.clip_on_all and bool(self.references)
        ours = o.vte and not o.paper_mode  # without text encoding, words meet the fused features only
        self.smoothing = o.smoothing if ours else 0.0
        self.video_map = ours and o.video_map
        self.recurrent = o.recurrent or self.smoothing > 0

        self.backbone = backbone
        scales, self.stride = len(self._backbone.channels), self._backbone.strides[0]
        if scales < SCALES:
            raise ValueError(f"OV2VSS needs {SCALES} maps or more, this backbone gives {scales}")
        # more than 1 for plain transformers, which have one stride for all
        self.enlarge = self._backbone.strides[-SCALES] // DECODED
        self.down = nn.ModuleList([nn.Conv2d(c, o.channels, 1) for c in self._backbone.channels])
        chain = (o.affinity, o.aggregation, len(o.references), o.shared)
        self.stcf = STCF(scales, o.channels, *chain) if o.stcf else None
        self.rfe = RFE(scales, o.channels, o.regions, o.heads) if o.rfe else None
        self.merge = Merge(scales, o.channels) if not (o.paper_mode and o.stcf) else None
        self.vte = VTE(pair.dim, o.heads, o.ffn) if o.vte else None
        self.decoder = _decoder(o, pair.dim, self.prompts)
        self.auxiliary = TextCosine(o.channels, pair.dim) if o.beta > 0 or self.video_map else None

    # a frame alone

    def encode(self, frames: Tensor) -> FrameFeatures:
        return self._encode(frames, dense=self.vte is not None)

    def encode_reference(self, frames: Tensor) -> FrameFeatures:
        return self.compact(self._encode(frames, dense=self.looks_at_references))

    def encode_context(self, frames: Tensor) -> FrameFeatures:
        return self._encode(frames, dense=False)

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        o, chained = self.options, bool(self.references)
        kept = {
            "p": chained or o.rfe,
            "u": chained and o.affinity == "softmax",
            "d": self.looks_at_references,
        }
        return {name: x for name, x in features.items() if kept[name[0]]}

    def _encode(self, frames: Tensor, dense: bool) -> FrameFeatures:
        backbone_maps = self._backbone(frames)
        us = [down(x) for down, x in zip(self.down, backbone_maps, strict=True)]
        features = frame_features(us, self.stride, self.options.pool)
        if dense:
            features["dense"] = self._dense(frames, backbone_maps)
        return features

    def _dense(self, frames: Tensor, backbone_maps: list[Tensor]) -> Tensor:
        """F^V of Eq. 11 and 12."""
        with torch.no_grad():
            if self.backbone is None:
                return cast(PairWithBackbone, self.pair).dense_of(backbone_maps)
            return self.pair.dense(at_most(frames, self.options.pair_pixels))

    @property
    def _backbone(self) -> Backbone:
        return cast(PairWithBackbone, self.pair).backbone if self.backbone is None else self.backbone

    # a frame in its context

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        """The frame of the video that is farthest from `t`, the earlier of two."""
        if self.rfe is None:
            return []
        return [0 if t >= n_frames - 1 - t else n_frames - 1]

    def summarise(self, features: FrameFeatures) -> VideoContext:
        """Soft regions of the distant frame; several frames count as one with more tokens."""
        assert self.rfe is not None
        return {"regions": self.rfe.regions(self.rfe.tokens(unpack(features)).flatten(0, 1)[None])}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        us = maps(target)
        o, carried = self._short_term(target, references, memory)
        enhanced = o if self.rfe is None or context is None else self._long_term(o, context["regions"])
        if self.enlarge > 1:
            enhanced = F.interpolate(enhanced, scale_factor=self.enlarge, mode="bilinear")
        dense = target.get("dense")
        if self.smoothing and dense is not None:
            before = (memory or {}).get("dense")
            if before is None:  # in training, and at the start of a video: what the clip itself shows
                before = follow_all([r["dense"] for r in references if "dense" in r], self.smoothing)
            dense = remember(dense, before, self.smoothing)
            carried = {**(carried or {}), "dense": dense}
        fused = self.decoder.fuse(us, enhanced, dense)
        if self.video_map:
            assert self.auxiliary is not None
            fused["video"] = self.auxiliary.project(enhanced)
        if self.vte is not None:
            looked_at = [r["dense"] for r in references if "dense" in r] + [target["dense"]]
            seen = [F.avg_pool2d(d, self.options.look_stride, ceil_mode=True) for d in looked_at]
            fused["key"], fused["value"] = self.vte.look(torch.stack(seen, dim=1))
        if self.training:
            fused["short_term"] = o
        return fused, carried

    def _short_term(
        self, target: FrameFeatures, references: Sequence[FrameFeatures], memory: Memory | None
    ) -> tuple[Tensor, Memory | None]:
        """O_t (B, C, h, w)."""
        us = maps(target)
        alone = None if self.merge is None else self.merge(us, size_of(us[-SCALES]))
        if self.stcf is None:
            assert alone is not None
            return alone, None
        carried: Memory | None = None
        if self.options.recurrent:
            known = unpack(target if memory is None else memory)
            past = self.stcf.recall(known)
            carried = pack(known if memory is None else self.stcf.carry(views(target), past))
        else:
            past = self.stcf.past([views(reference) for reference in references])
        o = self.stcf(views(target), past)
        return (o if alone is None else alone + o), carried

    def _long_term(self, o: Tensor, regions: Tensor) -> Tensor:
        """O_t enhanced by the distant frame."""
        assert self.rfe is not None
        seen = self.rfe(o, regions)
        return seen if self.options.paper_mode else o + seen

    # words

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        if words.embeddings.shape[1] != self.prompts:
            raise ValueError(f"{self.prompts} vectors a word expected, got {words.embeddings.shape[1]}")
        chunks = words.embeddings.split(self.decoder.words_at_once(fused))
        logits = torch.cat([self.decoder.score(fused, self._refine(chunk, fused)) for chunk in chunks], dim=1)
        if self.video_map:
            assert self.auxiliary is not None
            logits = logits + self.auxiliary.compare(fused["video"], words.embeddings[None])
        aux = {}
        if self.options.beta > 0 and self.auxiliary is not None and "short_term" in fused:
            aux["o"] = self.auxiliary(fused["short_term"], words.embeddings[None])
        return Output(logits, aux)

    def _refine(self, text: Tensor, fused: Fused) -> Tensor:
        """Text (N, P, D) as the decoder wants it: (B or 1, N, P, D)."""
        return text[None] if self.vte is None else self.vte(text, fused["key"], fused["value"])

    # training

    def forward(
        self, frames: Tensor, words: WordEmbeddings, context: Tensor | VideoContext | None = None
    ) -> Output:
        """Base class's; with `supervise="clip"` every frame of a training clip is a target once."""
        if not (self.training and self.options.supervise == "clip"):
            return super().forward(frames, words, context)
        encoded = encode_clips(self.encode, frames)
        seen = [self.compact(features) for features in encoded]
        summary = None if context is None else self._summarise_batch(context)
        outputs = []
        for i, target in enumerate(encoded):
            # the earliest frame is repeated where there is none before it
            references = [seen[max(0, i - back)] for back in range(len(self.references), 0, -1)]
            outputs.append(self.score(self.fuse(target, references, summary)[0], words))
        last = outputs[-1]
        aux = {"clip": torch.stack([output.logits for output in outputs], dim=1)}
        aux |= {name: torch.stack([output.aux[name] for output in outputs], dim=1) for name in last.aux}
        return Output(last.logits, aux)

    def loss(self, output: Output, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Eq. 15: alpha times the main loss, and beta times the auxiliary one of O_t (Eq. 7)."""
        logits = output.aux.get("clip", output.logits)
        terms = {"main": self.options.alpha * self._cross_entropy(logits, labels, weights)}
        if "o" in output.aux:
            terms["aux"] = self.options.beta * self._cross_entropy(output.aux["o"], labels, weights)
        return terms

    def _cross_entropy(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """Of the target's logits (B, N, h, w), or of all frames' (B, T, N, h, w) over all labelled pixels."""
        if logits.ndim == 5 and labels.ndim == 4:
            logits, labels = logits.flatten(0, 1), labels.flatten(0, 1)
        elif logits.ndim == 5:
            logits = logits[:, -1]
        return super().loss(Output(logits), labels, weights)["loss"]

    def train(self, mode: bool = True) -> Self:
        """Everything but the pair, which is frozen."""
        super().train(mode)
        cast(nn.Module, self.pair).eval()
        return self


def _decoder(o: OV2VSSOptions, dim: int, prompts: int) -> OV2VSSDecoder:
    if not o.vte:
        return PlainDecoder(o.channels, dim)
    if o.decoder == "factorised":
        return FactorisedDecoder(o.channels, dim, PLACES[o.position])
    return CostDecoder(o.channels, prompts, o.cost_channels, PLACES[o.position], o.fuse)


def build(options: OV2VSSOptions) -> OV2VSS:
    """The model without trained weights, of the backbone and the pair that the options name."""
    own = None if options.backbone == "pair" else backbone(options.backbone)
    return OV2VSS(own, pair(options.pair), options)
