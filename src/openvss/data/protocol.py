"""The rules under which a score is made: which words may be chosen, which pixels count, what is reported.

Every score names its protocol, since the same labels give other numbers under other rules. A data set's file
declares the protocols of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from openvss.video.labelmap import Labels, label_dtype, unlabelled_id
from openvss.words.vocabulary import Vocabulary

PLAIN = "plain"


@dataclass(frozen=True)
class Protocol:
    """One set of rules for a list of words; ids are those of the whole list.

    Attributes:
        name: What the user types.
        about: The rules in one sentence.
        n_words: Length of the data set's list of words.
        candidates: The words that a model may choose from.
        counted: The classes whose pixels count.
        groups: Classes whose mean IoU is reported besides the overall one, among all candidates and counted
            pixels. With "seen" and "unseen" their harmonic mean is reported too.
        background: If given, every prediction from this id on, "unlabelled" included, means background, which
            is the class of this id and the last.
    """

    name: str
    about: str
    n_words: int
    candidates: tuple[int, ...]
    counted: tuple[int, ...]
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    background: int | None = None

    @property
    def n_classes(self) -> int:
        """How many classes the confusion matrix has."""
        return self.n_words if self.background is None else self.background + 1

    def choose_words(self, vocabulary: Vocabulary) -> Vocabulary:
        """The words to give to a model."""
        if self.candidates == tuple(range(len(vocabulary))):
            return vocabulary
        return Vocabulary(tuple(vocabulary.labels[i] for i in self.candidates))

    def class_names(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """The name of each class of the confusion matrix."""
        if self.background is None:
            return vocabulary.names
        return (*vocabulary.names[: self.background], "background")

    def count_labels(self, labels: Labels, ignore: int) -> Labels:
        """Ground truth in which pixels of classes that do not count are ignored."""
        if len(self.counted) == self.n_classes:
            return labels
        return cast("Labels", _counting(self.counted, ignore, labels.dtype).take(labels))

    def classes_of_model(self, labels: Labels) -> Labels:
        """Class ids for the labels of a model that was given `choose_words`."""
        if self.candidates == tuple(range(self.n_words)):
            return self.classes_of_list(labels)
        n_labels = np.iinfo(labels.dtype).max + 1
        table = np.full(n_labels, unlabelled_id(self.n_words), label_dtype(self.n_words))
        table[: len(self.candidates)] = self.candidates
        return self.classes_of_list(cast("Labels", table[labels]))

    def classes_of_list(self, labels: Labels) -> Labels:
        """Class ids for labels in the ids of the data set's list of words, as other software writes them."""
        if self.background is None:
            return labels
        return np.minimum(labels, labels.dtype.type(self.background))


@functools.cache
def _counting(counted: tuple[int, ...], ignore: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """For each id itself if it counts, else the ignored one."""
    table = np.full(np.iinfo(dtype).max + 1, ignore, dtype)
    table[list(counted)] = counted
    return table


def plain(name: str, n_words: int) -> Protocol:
    """The rules that count everything."""
    about = f"All {n_words} words of the list are candidates and all labelled pixels count."
    everything = tuple(range(n_words))
    return Protocol(name, about, n_words, candidates=everything, counted=everything)
