"""What is scored, under which rules, and where the predicted labels come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from openvss.data.base import Clip, Dataset, Ids
from openvss.evaluation.metrics.objects import names_objects, object_ids
from openvss.evaluation.protocol import Protocol as Rules
from openvss.video.labelmap import label_dtype, unlabelled_id
from openvss.words.vocabulary import Vocabulary


class Predictions(Protocol):
    """Where predicted labels come from: a model or a folder of masks."""

    @property
    def origin(self) -> dict[str, Any]:
        """Under `model` what decides a model's result; or the folder `predictions`, and a hash of them."""

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The predicted classes of every labelled frame, with its number."""

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is scored, and under which rules.

    Attributes:
        dataset: The ground truth.
        words: The wording of its classes, in its order; or, for a set of named objects, any words among which
            are those of the objects.
        rules: The protocol, for a list of as many words.
    """

    dataset: Dataset
    words: Vocabulary
    rules: Rules

    def __post_init__(self) -> None:
        for clip in self.dataset.clips:
            self.object_of(clip)  # complains now about a word that is missing, and not after an hour

    @property
    def objects_only(self) -> bool:
        """Whether the ground truth is one named object a sequence, so that no class can be scored."""
        return names_objects(self.dataset)

    @property
    def n_classes(self) -> int:
        """How many classes are scored."""
        return 0 if self.objects_only else self.rules.n_classes

    def object_of(self, clip: Clip) -> tuple[int, tuple[int, ...]] | None:
        """For a sequence with one named object: its id in the ground truth, and the ids of its words."""
        if clip.objects is None:
            return None
        identity, words = clip.objects
        return identity, object_ids(clip.name, words, self.words)

    @property
    def n_frames(self) -> int:
        """How many labelled frames there are."""
        return sum(label is not None for clip in self.dataset.clips for label in clip.labels)

    def truth(self, clip: Clip, index: int) -> Ids:
        """The ground truth of a labelled frame as the protocol counts it."""
        return self.rules.count_labels(self.labels(clip, index), self.dataset.ignore)

    def truth_in_words(self, clip: Clip, index: int) -> Ids:
        """The same in ids of words, to be drawn; what is around a named object has that of no word."""
        truth, named = self.truth(clip, index), self.object_of(clip)
        if named is None:
            return truth
        identity, words = named
        n_words = len(self.words)
        shown = np.where(truth == identity, words[0], unlabelled_id(n_words))
        return cast("Ids", shown.astype(label_dtype(n_words)))

    def labels(self, clip: Clip, index: int) -> Ids:
        """The ground truth of a labelled frame."""
        label = clip.labels[index]
        assert label is not None
        return self.dataset.read_label(label)
