"""A small model with references and context, so that the shared checks of both have something to check."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.base import FrameFeatures, Fused, Memory, Output, VideoContext, VideoModel
from openvss.models.words import WordEmbeddings


class LetterText:
    """A text encoder of no weights: a phrase is the direction of its letters' random vectors."""

    dim = 16
    fingerprint = "letters"

    def encode(self, phrases: Sequence[str]) -> Tensor:
        table = torch.randn(128, self.dim, generator=torch.Generator().manual_seed(7))
        rows = [sum(table[ord(c) % 128] * (i + 1) for i, c in enumerate(p)) for p in phrases]
        return F.normalize(torch.stack([torch.as_tensor(r) for r in rows]), dim=-1)


class TwoFrame(VideoModel):
    """Two references, one distant frame, and a gate that starts at zero."""

    references = (6, 3)
    size = 64

    def __init__(self) -> None:
        super().__init__()
        self.text = LetterText()
        self.stem = nn.Conv2d(3, 16, 3, stride=4, padding=1)
        self.look = nn.ModuleList([nn.Conv2d(16, 16, 1) for _ in self.references])
        self.far = nn.Linear(16, 16)
        self.gate = nn.Parameter(torch.zeros(2))

    def encode(self, frames: Tensor) -> FrameFeatures:
        x = self.stem(frames)
        return {"map": x, "only_for_target": torch.tanh(x)}

    def compact(self, features: FrameFeatures) -> FrameFeatures:
        return {"map": features["map"]}

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        return [t // 2, n_frames - 1]

    def summarise(self, features: FrameFeatures) -> VideoContext:
        return {"mean": features["map"].mean((0, 2, 3))[None]}

    def fuse(
        self,
        target: FrameFeatures,
        references: Sequence[FrameFeatures],
        context: VideoContext | None = None,
        memory: Memory | None = None,
    ) -> tuple[Fused, Memory | None]:
        x = target["map"] + target["only_for_target"]
        for layer, reference in zip(self.look, references, strict=True):
            x = x + self.gate[0] * layer(reference["map"])
        if context is not None:
            x = x + self.gate[1] * self.far(context["mean"])[:, :, None, None]
        return {"x": x}, None

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        return Output(torch.einsum("bdhw,nd->bnhw", fused["x"], words.embeddings.mean(1)))
