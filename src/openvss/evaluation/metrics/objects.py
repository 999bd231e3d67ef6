"""Object IoU and boundary F, for sets in which each sequence names one object and its masks show only that.

    IoU = pixels that are the object and were labelled so / pixels that are the object or were labelled so

pooled over the frames of a sequence, then averaged over sequences; boundary F is averaged over both.
"Labelled so" means with any word that counts as the object: a cyclist is `person+bicycle`, and either word is
right anywhere on it.

All but the object is one "background" there, whatever it shows, so that no word is right or wrong in it
except the object's own. The words to choose from are therefore up to the user, as long as they name the
object, and no class is scored.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, Self

import numpy as np

from openvss.data.base import Dataset
from openvss.errors import InputError
from openvss.evaluation.metrics.boundary import boundary_f
from openvss.video.labelmap import Labels
from openvss.words.vocabulary import Label, Vocabulary

# What objects are most often seen against: without such words everything would be taken for an object.
SURROUNDINGS = ("grass", "tree", "road", "sky", "building", "water", "fence", "wall", "sand", "rock")


def names_objects(dataset: Dataset) -> bool:
    """Whether each sequence of a data set names one object, which is all that its masks show."""
    return all(clip.objects is not None for clip in dataset.clips)


def default_words(dataset: Dataset) -> Vocabulary:
    """The words of all objects of such a data set, in order, and what of `SURROUNDINGS` is not among them.

    A word that has synonyms in the data set brings them.
    """
    known = {word: label for label in dataset.vocabulary for word in label.synonyms}
    words = [word for clip in dataset.clips if clip.objects is not None for word in clip.objects[1]]
    objects = tuple(dict.fromkeys(known.get(word, Label(word, (word,))) for word in words))
    taken = {synonym for label in objects for synonym in label.synonyms}
    return Vocabulary(objects + tuple(Label(word, (word,)) for word in SURROUNDINGS if word not in taken))


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
        boundary: Sum of boundary F over the frames where it is defined.
        outlined: How many frames those are.
    """

    intersection: int = 0
    union: int = 0
    boundary: float = 0.0
    outlined: int = 0

    def __add__(self, other: ObjectOverlap) -> ObjectOverlap:
        """Of the frames of both."""
        mine, theirs = astuple(self), astuple(other)
        return ObjectOverlap(*(a + b for a, b in zip(mine, theirs, strict=True)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(**data)

    def to_dict(self) -> dict[str, float]:
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
        if not math.isnan(f := boundary_f(truth, found)):
            self.boundary += f
            self.outlined += 1

    @property
    def iou(self) -> float:
        """Fraction 0..1, nan if the object is nowhere and was found nowhere."""
        return self.intersection / self.union if self.union else math.nan

    @property
    def boundary_f(self) -> float:
        """Mean over frames, nan if the object is nowhere and was found nowhere."""
        return self.boundary / self.outlined if self.outlined else math.nan


def mean_object_iou(sequences: Iterable[ObjectOverlap]) -> float:
    """The mean over sequences in which the object is, or was found, somewhere; nan if there are none."""
    return _mean(sequence.iou for sequence in sequences)


def mean_boundary_f(sequences: Iterable[ObjectOverlap]) -> float:
    """The same of boundary F."""
    return _mean(sequence.boundary_f for sequence in sequences)


def _mean(values: Iterable[float]) -> float:
    found = [value for value in values if not math.isnan(value)]
    return math.fsum(found) / len(found) if found else math.nan


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", " ".join(word.casefold().split()))
