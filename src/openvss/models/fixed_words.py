"""Closed-set models: their words are fixed, and a user may select among them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.errors import InputError
from openvss.models.words import WordEmbeddings
from openvss.wording import counted
from openvss.words.vocabulary import Label, Vocabulary


def choose(vocabulary: Vocabulary, fixed: Vocabulary) -> Tensor:
    """(N, 1, len(fixed)), one at the class that each label means: `Words.embeddings` of a closed-set model.

    A label means the class that its first known synonym names. The list itself is always valid, even if two
    of its classes have the same name.
    """
    if vocabulary == fixed:
        return torch.eye(len(fixed))[:, None]
    classes = _classes(fixed)
    places = [_place(label, classes, fixed) for label in vocabulary]
    for i, place in enumerate(places):
        if place in places[:i]:
            first = vocabulary.labels[places.index(place)]
            raise InputError(
                f"{first.name!r} and {vocabulary.labels[i].name!r} are the same class of this model, "
                f"{fixed.labels[place].name!r}: keep one of them."
            )
    return F.one_hot(torch.tensor(places), len(fixed)).float()[:, None]


def select(logits: Tensor, words: WordEmbeddings) -> Tensor:
    """The chosen words' part of the logits (B, all words, ...) of a closed-set model, in their order."""
    return logits[:, words.embeddings[:, 0].argmax(-1)]


def _classes(fixed: Vocabulary) -> dict[str, int]:
    """Word -> class; a word that classes share means the class named so, else the first."""
    classes: dict[str, int] = {}
    for place, label in enumerate(fixed):
        classes.setdefault(label.name, place)
    for place, label in enumerate(fixed):
        for word in label.synonyms:
            classes.setdefault(word, place)
    return classes


def _place(label: Label, classes: dict[str, int], fixed: Vocabulary) -> int:
    for word in label.synonyms:
        if word in classes:
            return classes[word]
    raise InputError(
        f"This model does not know the word {label.name!r}: choose among its {counted(len(fixed), 'word')}, "
        f"such as {', '.join(fixed.names[:5])}."
    )
