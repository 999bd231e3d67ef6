"""The bundled model: a small image encoder whose every position speaks the language of the text encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TinyEncoder
from openvss.models.words import TextEncoder, Words

TEMPERATURE = 0.05


def build() -> Tiny:
    """The model without weights."""
    return Tiny()


class Tiny(VideoModel):
    """Labels each frame alone: cosine of dense image vectors and word vectors."""

    templates = ("{}", "a photo of a {}", "a picture of the {}")
    size = 320
    edge_aware = True

    def __init__(self, text: TextEncoder | None = None) -> None:
        super().__init__()
        self.text = text or MiniLM()
        self.image = TinyEncoder(self.text.dim)

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"dense": self.image(frames)}  # (B, D, h, w), unit length along D

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        return {}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        return target, None

    def score(self, fused: Fused, words: Words) -> Output:
        cosine = torch.einsum("bdhw,nd->bnhw", fused["dense"], words.embeddings.mean(1))
        return Output(cosine / TEMPERATURE)
