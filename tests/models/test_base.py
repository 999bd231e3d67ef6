"""A clip's frames go through the backbone together."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.base import FrameFeatures, encode_clips
from openvss.words.vocabulary import Vocabulary
from tests.models.suite import WORDS
from tests.models.two_frame import TwoFrame


class Counting(TwoFrame):
    """Writes down how many frames come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def encode(self, frames: Tensor) -> FrameFeatures:
        self.batches.append(len(frames))
        return super().encode(frames)


def test_references_and_context_frames_are_one_batch_each() -> None:
    model = Counting()
    clips, context = torch.rand(3, 3, 3, 32, 32), torch.rand(3, 2, 3, 32, 32)
    words = model.embed(Vocabulary.parse(WORDS))
    model(clips, words, context)
    assert sorted(model.batches) == [3, 6, 6]
    model.batches.clear()
    model(clips, words)
    assert sorted(model.batches) == [3, 6]


def test_each_place_gets_the_features_of_its_own_frames() -> None:
    clips = torch.rand(3, 2, 3, 4, 4)
    found = encode_clips(lambda frames: {"frame": frames, "mean": frames.mean((2, 3))}, clips)
    assert len(found) == 2
    for place, features in enumerate(found):
        assert torch.equal(features["frame"], clips[:, place])
        torch.testing.assert_close(features["mean"], clips[:, place].mean((2, 3)))


def test_no_frames_no_pass() -> None:
    def never(frames: Tensor) -> FrameFeatures:
        raise AssertionError(frames.shape)

    assert encode_clips(never, torch.rand(2, 0, 3, 4, 4)) == []
