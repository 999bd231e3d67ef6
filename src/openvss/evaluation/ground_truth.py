"""What is scored: a data set's labels, the words for its classes, and the rules.

Some data sets name one object a sequence, and their masks show only that. All but the object is one
"background" there, whatever it shows, so that no word is right or wrong in it except the object's own. The
words to choose from are therefore up to the user, as long as they name the object, and no class is scored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.protocol import Protocol
from openvss.errors import InputError
from openvss.video.labelmap import label_dtype, unlabelled_id
from openvss.words.vocabulary import Label, Vocabulary

# Common surroundings of objects: without such words everything would be labelled as an object.
SURROUNDINGS = ("grass", "tree", "road", "sky", "building", "water", "fence", "wall", "sand", "rock")


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
    rules: Protocol

    def __post_init__(self) -> None:
        for clip in self.dataset.clips:
            self.object_of(clip)  # so that a missing word is an error now and not after an hour

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
    def is_video(self) -> bool:
        """Whether any clip has consecutive labelled frames."""
        return any(
            first is not None and second is not None
            for clip in self.dataset.clips
            for first, second in zip(clip.labels, clip.labels[1:], strict=False)
        )

    @property
    def n_frames(self) -> int:
        """How many labelled frames there are."""
        return sum(label is not None for clip in self.dataset.clips for label in clip.labels)

    def truth(self, clip: Clip, index: int) -> Ids:
        """The ground truth of a labelled frame as the protocol counts it."""
        return self.rules.count_labels(self.labels(clip, index), self.dataset.ignore)

    def truth_in_words(self, clip: Clip, index: int) -> Ids:
        """The same in ids of words, to be drawn; what surrounds a named object has the id of no word."""
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


def names_objects(dataset: Dataset) -> bool:
    """Whether each sequence of a data set names one object, which is all its masks show."""
    return all(clip.objects is not None for clip in dataset.clips)


def default_words(dataset: Dataset) -> Vocabulary:
    """The words of all objects of such a data set, in order, then those of `SURROUNDINGS` not among them.

    A word keeps the synonyms that it has in the data set.
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


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", " ".join(word.casefold().split()))
