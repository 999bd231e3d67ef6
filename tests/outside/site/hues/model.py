"""Features of 3x3 convolutions, a reference frame, and cosines with words made of their letters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.words import WordEmbeddings

from .presets import HuesOptions

SCALE = 10.0  # of cosines


class Letters:
    """A text encoder without weights: the direction of its letters' waves."""

    dim = 16
    fingerprint = "hues-letters-1"

    def encode(self, phrases: Sequence[str]) -> Tensor:
        waves = torch.arange(1.0, self.dim + 1)
        rows = [
            sum((torch.sin(waves * ord(c) * (i + 1)) for i, c in enumerate(p)), 0 * waves) for p in phrases
        ]
        return F.normalize(torch.stack(rows), dim=-1)


class Hues(VideoModel):
    size = 64

    def __init__(self, options: HuesOptions) -> None:
        super().__init__()
        self.references = (options.back,)
        self.text = Letters()
        self.features = nn.Sequential(
            nn.Conv2d(3, options.width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(options.width, self.text.dim, 3, stride=2, padding=1),
        )
        self.past = nn.Conv2d(self.text.dim, self.text.dim, 1)

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"map": self.features(frames)}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        return {"map": target["map"] + self.past(references[0]["map"])}, None

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        seen = F.normalize(fused["map"], dim=1)
        return Output(SCALE * torch.einsum("bdhw,nd->bnhw", seen, words.embeddings.mean(1)))
