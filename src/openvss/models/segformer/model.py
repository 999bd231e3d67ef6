"""SegFormer: MiT and a decoder of position-wise layers; the base of CFFM, and its baseline."""

from __future__ import annotations

from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.encoders.backbones import backbone
from openvss.models.encoders.contract import Backbone
from openvss.models.encoders.pairs import text_encoder
from openvss.models.layers.classifier import Classifier, classifier, weights_of
from openvss.models.layers.mlp_head import MlpHead
from openvss.models.segformer.presets import SegFormerOptions
from openvss.models.words import TextEncoder, WordEmbeddings
from openvss.words.vocabulary import Vocabulary


class SegFormer(VideoModel):
    """A pyramid, fused at its finest map, and a classifier.

    Args:
        backbone: Gives the pyramid.
        words: Its classes: a fixed list, or a text encoder for any words.
        dim: Width of the decoder.
    """

    def __init__(self, backbone: Backbone, words: Vocabulary | TextEncoder, dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = MlpHead(backbone.channels, dim)
        if isinstance(words, Vocabulary):
            self.fixed_words = words
        else:
            self.text, self.text_weights = words, weights_of(words)
        self.classifier: Classifier = classifier(dim, words)

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"map": self.head(self.backbone(frames))}  # (B, dim, h, w)

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        return Output(self.classifier(fused["map"], words))


def build(options: SegFormerOptions) -> SegFormer:
    """The model without trained weights."""
    o, own = options, backbone(options.backbone)
    return SegFormer(own, Vocabulary.parse(o.words) if o.text is None else text_encoder(o.text), o.dim)
