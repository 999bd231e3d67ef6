"""The bundled model: dense features of a small image encoder, aligned with the text encoder's vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.encoders.tiny import SIZE, TEMPLATES, TinyPair
from openvss.models.layers.memory import remember
from openvss.models.preset import weight_of_past
from openvss.models.tiny.presets import TinyOptions
from openvss.models.words import TextEncoder, WordEmbeddings

SCALE = 20.0  # of cosines
FLOOR = 0.4  # cosine of then and now below which the past does not count
START = 3  # frames for which a video is taken to have stood still before it began
SMALLER = 7  # tenths of its size: a first frame is seen like that, too, with more around each position


class Tiny(VideoModel):
    """Cosine of dense image vectors and word vectors.

    Args:
        text: Replaces MiniLM.
        smoothing: As for `TinyOptions`.
    """

    templates = TEMPLATES
    size = SIZE
    edge_aware = True

    def __init__(self, text: TextEncoder | None = None, smoothing: float = TinyOptions.smoothing) -> None:
        super().__init__()
        self.smoothing = weight_of_past(smoothing)
        self.recurrent = smoothing > 0
        self.pair = TinyPair(text).requires_grad_(True)  # frozen where it serves another model
        # the text encoder belongs to the pair: as an attribute it would be registered twice
        self.__dict__["text"] = self.pair.text

    def encode(self, frames: Tensor) -> FrameFeatures:
        dense = self.pair.dense(frames)  # (B, D, h, w), unit length along D
        return {"dense": dense, "frames": frames} if self.recurrent else {"dense": dense}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        if not self.recurrent or self.training:  # what is trained are the vectors themselves
            return super().fuse(target, references, context, memory)
        dense, before = target["dense"], (memory or {}).get("dense")
        if before is not None and before.shape == dense.shape:
            dense = remember(dense, before, self.smoothing, FLOOR)
        else:
            dense = self._look_again(dense, target)
            for _ in range(START):
                dense = remember(dense, dense, self.smoothing, FLOOR)
        return {"dense": dense}, {"dense": dense}

    def _look_again(self, dense: Tensor, target: FrameFeatures) -> Tensor:
        """At a smaller size, which counts half; exported, it has been encoded already."""
        again = target.get("again")
        if again is None:
            again = self.pair.dense(self.smaller(target["frames"]))
        return F.normalize(2 * dense + F.interpolate(again, dense.shape[-2:], mode="bilinear"), dim=1)

    def smaller(self, frames: Tensor) -> Tensor:
        """As a first frame is seen again: in whole cells, so that sizes divide each other."""
        size = [(SMALLER * side + 160) // 320 * 32 for side in frames.shape[-2:]]
        return F.interpolate(frames, size, mode="bilinear", antialias=True)

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        return Output(SCALE * torch.einsum("bdhw,nd->bnhw", fused["dense"], words.embeddings.mean(1)))


def build(options: TinyOptions) -> Tiny:
    """The model without trained weights."""
    return Tiny(smoothing=options.smoothing)
