"""What is scored, under which rules, and where the predicted labels come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from openvss.data.base import Clip, Dataset, Ids
from openvss.evaluation.protocol import Protocol as Rules
from openvss.words.vocabulary import Vocabulary


class Predictions(Protocol):
    """Where predicted labels come from: a model or a folder of masks."""

    @property
    def origin(self) -> dict[str, Any]:
        """Under `model` what decides a model's result, or under `predictions` the folder."""

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The predicted classes of every labelled frame, with its number."""

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is scored, and under which rules.

    Attributes:
        dataset: The ground truth.
        words: The wording of its classes, in its order.
        rules: The protocol.
    """

    dataset: Dataset
    words: Vocabulary
    rules: Rules

    @property
    def n_frames(self) -> int:
        """How many labelled frames there are."""
        return sum(label is not None for clip in self.dataset.clips for label in clip.labels)

    def truth(self, clip: Clip, index: int) -> Ids:
        """The ground truth of a labelled frame as the protocol counts it."""
        return self.rules.count_labels(self.labels(clip, index), self.dataset.ignore)

    def labels(self, clip: Clip, index: int) -> Ids:
        """The ground truth of a labelled frame."""
        label = clip.labels[index]
        assert label is not None
        return self.dataset.read_label(label)
