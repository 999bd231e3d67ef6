"""Words that mean whatever is none of the others, such as "background"."""

from __future__ import annotations

from openvss.errors import InputError
from openvss.words.vocabulary import Label, Vocabulary

NAME = "everything else"
NAMES = frozenset(
    (
        NAME,
        "all else",
        "all the rest",
        "anything else",
        "back ground",
        "background",
        "else",
        "everything other",
        "none of the above",
        "none of these",
        "other",
        "other things",
        "others",
        "rest",
        "something else",
        "the background",
        "the rest",
    )
)


def means_rest(label: Label) -> bool:
    """Whether one of its words means everything else."""
    return not NAMES.isdisjoint(label.synonyms)


def place_of_rest(vocabulary: Vocabulary) -> int | None:
    """The label that means everything else, if there is one; those of built-in lists mean what they say."""
    if vocabulary.source is not None:
        return None
    places = [i for i, label in enumerate(vocabulary) if means_rest(label)]
    for label in (vocabulary.labels[i] for i in places):
        other = next((word for word in label.synonyms if word not in NAMES), None)
        if other is not None:
            raise InputError(
                f"The label {str(label)!r} means everything else, and {other!r} does not: give {other!r} "
                "a label of its own."
            )
    if len(places) > 1:
        first, second = (vocabulary.labels[i].name for i in places[:2])
        raise InputError(f"{first!r} and {second!r} both mean everything else: keep one of them.")
    if places and len(vocabulary) == 1:
        raise InputError(
            f"{vocabulary.names[0]!r} means everything else, and there is nothing else: add what to look for."
        )
    return places[0] if places else None


def with_rest(vocabulary: Vocabulary) -> Vocabulary:
    """The same labels and, unless one of them means it already, everything else as the last."""
    if place_of_rest(vocabulary) is not None:
        return vocabulary
    return Vocabulary((*vocabulary.labels, Label(NAME, (NAME,))))
