"""A closed-set model, so that the shared checks of such models have something to check."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.fixed_words import select
from openvss.models.preset import Preset
from openvss.models.words import WordEmbeddings
from openvss.words.vocabulary import Vocabulary


class Closed(VideoModel):
    """A convolution and a classifier of its own words."""

    size = 64

    def __init__(self, words: str, width: int = 8) -> None:
        super().__init__()
        self.fixed_words = Vocabulary.parse(words)
        self.stem = nn.Conv2d(3, width, 3, stride=4, padding=1)
        self.classifier = nn.Conv2d(width, len(self.fixed_words), 1)

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"map": torch.tanh(self.stem(frames))}

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        return Output(select(self.classifier(fused["map"]), words))


@dataclass(frozen=True)
class ClosedOptions:
    """What can be chosen."""

    words: str = "road, sky"
    width: int = 8
    shape: tuple[int, ...] = (1,)  # changes nothing


def build(options: ClosedOptions) -> Closed:
    return Closed(options.words, options.width)


PRESET = Preset("for tests", "-", ClosedOptions("car, sea"), build)
"""Without trained weights."""
