"""Object IoU, for sets in which each sequence names one object and its masks show only that.

    IoU = pixels that are the object and were labelled so / pixels that are the object or were labelled so

pooled over the frames of a sequence, then averaged over sequences. "Labelled so" means with any word that
counts as the object: a cyclist is `person+bicycle`, and either word is right anywhere on it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from openvss.errors import InputError
from openvss.labelmap import Labels
from openvss.words.vocabulary import Vocabulary


def object_ids(sequence: str, words: Sequence[str], vocabulary: Vocabulary) -> tuple[int, ...]:
    """The ids of all labels that have one of `words` as a synonym.

    A word that the vocabulary lacks is an error, because the model could then not name the object.
    """
    ids: set[int] = set()
    for word in words:
        matches = [i for i, label in enumerate(vocabulary) if _key(word) in map(_key, label.synonyms)]
        if not matches:
            raise InputError(
                f"The object of the sequence {sequence!r} is {word!r}, which is not among the words: "
                "add it, or name the object by another word in sequences.txt."
            )
        ids.update(matches)
    return tuple(sorted(ids))


@dataclass
class ObjectOverlap:
    """How well the object of one sequence was found.

    Attributes:
        intersection: Pixels that are the object and were labelled so.
        union: Pixels that are one or the other.
    """

    intersection: int = 0
    union: int = 0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(**data)

    def to_dict(self) -> dict[str, int]:
        """Plain data for JSON."""
        return asdict(self)

    def update(
        self, labels: Labels, predictions: Labels, *, object_id: int, words: Sequence[int], ignore: int
    ) -> None:
        """Count one frame.

        Args:
            labels: (H, W) mask: the object, pixels that do not count, and anything else, which is not it.
            predictions: (H, W) predicted ids.
            object_id: The object's id in the mask.
            words: What `object_ids` gave.
            ignore: The id of pixels that do not count.
        """
        if labels.shape != predictions.shape:
            raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ in size")
        truth = labels == object_id
        found = np.isin(predictions, words) & (labels != ignore)
        self.intersection += int(np.count_nonzero(truth & found))
        self.union += int(np.count_nonzero(truth | found))

    @property
    def iou(self) -> float:
        """Fraction 0..1, nan if the object is nowhere and was found nowhere."""
        return self.intersection / self.union if self.union else math.nan


def mean_object_iou(sequences: Iterable[ObjectOverlap]) -> float:
    """The mean over sequences in which the object is, or was found, somewhere; nan if there are none."""
    found = [sequence.iou for sequence in sequences if sequence.union]
    return math.fsum(found) / len(found) if found else math.nan


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", " ".join(word.casefold().split()))
