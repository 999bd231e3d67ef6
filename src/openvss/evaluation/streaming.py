"""Predictions that a model makes as it streams through each video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from openvss.data.base import Clip, Ids
from openvss.data.protocol import Protocol
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.state import RATE
from openvss.video.frame import Frame
from openvss.video.images import read_image


class ModelPredictions:
    """The labels of a `Segmenter`, which has been given the words that the protocol lets it choose from.

    Frames count as 1/15 s apart whatever the data set's own rate is: benchmarks define how far a model looks
    back in frames, and so the model sees exactly those frames.

    Attributes:
        origin: What a result says about where its predictions came from.
    """

    def __init__(self, segmenter: Segmenter, protocol: Protocol, model: dict[str, Any]) -> None:
        self.origin: dict[str, Any] = {"model": model, "predictions": None}
        self._segmenter = segmenter
        self._protocol = protocol

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The classes of every labelled frame, with its number; the model sees the others, too."""
        frames = _Frames(clip)
        self._segmenter.begin_frames(frames)
        labelled = [index for index, label in enumerate(clip.labels) if label is not None]
        for index in range(max(labelled, default=-1) + 1):
            frame = frames[index]
            if clip.labels[index] is None:
                self._segmenter.skip(frame)
            else:
                yield index, self._protocol.classes_of_model(self._segmenter.step(frame).labels)

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame: it is of the frame's size."""
        return str(clip.frames[index])


class _Frames:
    """A clip's frames, read as they are asked for."""

    def __init__(self, clip: Clip) -> None:
        self._files = clip.frames

    def __getitem__(self, index: int) -> Frame:
        return Frame(index, Fraction(index, RATE), read_image(self._files[index]))

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self._files)))
