"""CFFM++: CFFM, and a second opinion from prototypes of the whole video."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext
from openvss.models.cffm.global_mining import MineGlobally
from openvss.models.cffm.kmeans import prototypes
from openvss.models.cffm.model import CFFM
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.encoders.backbones import backbone
from openvss.models.encoders.contract import Backbone
from openvss.models.encoders.pairs import text_encoder
from openvss.models.layers.classifier import Classifier, classifier
from openvss.models.words import TextEncoder, WordEmbeddings
from openvss.words.vocabulary import Vocabulary


class CFFMPlusPlus(CFFM):
    """Global temporal contexts beside the local ones; weights of a trained CFFM fit in by name.

    Without context frames it is CFFM. Training has two stages: first CFFM, then, with that frozen, the layers
    and the classifier of the prototypes alone.

    Args:
        backbone: Gives the pyramid of a frame.
        words: What it tells apart: a fixed list, or a text encoder for any words.
        options: All the rest; what they name is given ready-made.
        teacher: A trained, larger CFFM that the prototypes are taken from; only its frame features are used.
    """

    def __init__(
        self,
        backbone: Backbone,
        words: Vocabulary | TextEncoder,
        options: CFFMOptions,
        teacher: CFFM | None = None,
    ) -> None:
        super().__init__(backbone, words, options)
        self.n_prototypes, self.frames, self.weight = options.prototypes, options.frames, options.weight
        self.teacher = None if teacher is None else teacher.requires_grad_(False)
        layers = (MineGlobally(options.dim, options.heads) for _ in range(options.global_layers))
        self.global_layers = nn.ModuleList(layers)
        self.global_classifier: Classifier = classifier(options.dim, words)

    def encode(self, frames: Tensor) -> FrameFeatures:
        features = super().encode(frames)
        # the teacher looks at the few frames that are summarised, and only then
        return features if self.teacher is None else features | {"frame": frames}

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        kept = super().compact(features)
        return kept if self.teacher is None else kept | {"frame": features["frame"]}

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        """The middles of equal parts of the video.

        They change when its length passes a multiple of their number: while a video comes in, prototypes are
        made anew every tenth frame.
        """
        del t
        if n_frames < self.frames:
            return [0] * self.frames if self.official else list(range(n_frames))
        return [int((i + 0.5) * (n_frames // self.frames)) for i in range(self.frames)]

    def summarise(self, features: FrameFeatures) -> VideoContext:
        maps = (
            features["map"] if self.teacher is None else self.teacher.eval().encode(features["frame"])["map"]
        )
        found = prototypes(maps.flatten(0, 2), self.n_prototypes, official=self.official)
        return {"prototypes": found[None]}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        fused, memory = super().fuse(target, references)
        if context is None:
            return fused, memory
        mined = target["map"]  # not what the local layers made of it
        for layer in self.global_layers:
            mined = layer(mined, context["prototypes"])
        return fused | {"global": mined.permute(0, 3, 1, 2)}, memory

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        local = super().score(fused, words)
        if "global" not in fused:
            return local
        logits = self.global_classifier(fused["global"], words)  # R^ of the paper
        logits = F.interpolate(logits, local.logits.shape[-2:], mode="bilinear", align_corners=False)
        aux = local.aux | {"local": local.logits, "global": logits} if self.training else {}
        return Output(local.logits + self.weight * logits, aux)

    def loss(self, output: Output, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """CFFM's terms, unless that is frozen, and cross-entropy of the second opinion."""
        if "global" not in output.aux:
            return super().loss(output, labels, weights)
        target = labels if labels.ndim == 3 else labels[:, -1]
        terms = {"global": self.cross_entropy(output.aux["global"], target, weights)}
        if self.learns:
            terms |= super().loss(Output(output.aux["local"], output.aux), labels, weights)
        return terms


def build(options: CFFMOptions) -> CFFM:
    """CFFM, or CFFM++ if there are global layers, without trained weights."""
    o = options
    words = Vocabulary.parse(o.words) if o.text is None else text_encoder(o.text)
    if not o.global_layers:
        return CFFM(backbone(o.backbone), words, o)
    larger = CFFMOptions(layers=0, dim=o.dim)  # of the teacher only the frame features are used
    teacher = None if o.teacher is None else CFFM(backbone(o.teacher), words, larger)
    return CFFMPlusPlus(backbone(o.backbone), words, o, teacher)
