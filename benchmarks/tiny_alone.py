"""The image encoder of the bundled model by itself: what its video part is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.ov2vss.factorised import SCALE
from openvss.models.tiny import Tiny
from openvss.models.words import Words


class Alone(VideoModel):
    """Cosine of words and the dense vectors of each frame by itself."""

    def __init__(self, model: Tiny) -> None:
        super().__init__()
        self.pair, self.text = model.pair, model.pair.text
        self.templates, self.size, self.edge_aware = model.templates, model.size, model.edge_aware

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"dense": self.pair.dense(frames)}

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
        return Output(SCALE * torch.einsum("bdhw,nd->bnhw", fused["dense"], words.embeddings[:, 0]))
