"""*Everything else*: what a position is if it is none of the words that were asked for.

A phrase such as "background" looks like nothing, so no model finds it. What is asked for has to win against
other words instead: hidden ones, of which the best stands for everything else. Those that mean the same as an
asked word are left out. Those that come close to it, and may be a kind or a part of it, must be the likelier
the closer they are.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from openvss.models.base import VideoModel
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.words import WordEmbeddings, embed
from openvss.words import builtin
from openvss.words.vocabulary import Label, Vocabulary

HIDDEN = ("ade150", "coco-stuff")  # lists of common words
APART = ("cityscapes", "camvid")  # lists in which no label is a kind or a part of another
CLOSE = 0.35  # cosine of phrases from which a word may be a kind of another
SAME = 0.75  # and from which it means the same
ALIKE = 0.6  # cosine from which a common word stands for another
HANDICAP, HANDICAP_APART = 10.0, 1.0  # in nats for each unit of cosine above CLOSE
NEVER = 100.0  # nats below every word


@dataclass(frozen=True, eq=False)
class Rest:
    """Where everything else stands among the labels, and which words speak for it.

    Attributes:
        place: Its id.
        words: For the model: the asked words without it, then the hidden ones.
        handicaps: What is taken from the logits of the hidden words, (M,).
    """

    place: int
    words: WordEmbeddings
    handicaps: Tensor

    def join(self, logits: Tensor) -> Tensor:
        """Logits of `words`, (N - 1 + M, h, w), to those of all labels, (N, h, w)."""
        hidden = len(self.handicaps)
        asked = logits[: len(logits) - hidden]
        if hidden:
            best = (logits[len(asked) :] - self.handicaps[:, None, None]).amax(0)
        else:
            best = asked.amin(0) - NEVER
        return torch.cat([asked[: self.place], best[None], asked[self.place :]])


def prepare(model: VideoModel, vocabulary: Vocabulary, place: int) -> Rest:
    """What scoring a vocabulary needs whose label at `place` means everything else."""
    asked = tuple(label for i, label in enumerate(vocabulary) if i != place)
    fixed = model.fixed_words
    hidden, handicaps = _hidden_words(asked) if fixed is None else _not_asked(asked, fixed)
    words = model.embed(Vocabulary((*asked, *hidden)))
    return Rest(place, words, handicaps.to(words.embeddings.device))


def alike(words: Sequence[str]) -> Tensor:
    """(n, n): whether two common words mean so much the same that one of them will do."""
    vectors = _vectors(words, MiniLM())
    listed = torch.tensor([[other in _one_label(word) for other in words] for word in words])
    return (vectors @ vectors.T >= ALIKE) | listed


def _not_asked(asked: Sequence[Label], fixed: Vocabulary) -> tuple[tuple[Label, ...], Tensor]:
    """The words of a closed-set model that were not asked for: it tells them all apart."""
    taken = {word for label in asked for word in label.synonyms}
    left = tuple(label for label in fixed if not taken & set(label.synonyms))
    return left, torch.zeros(len(left))


def _hidden_words(asked: Sequence[Label]) -> tuple[tuple[Label, ...], Tensor]:
    """Common words that are not among the asked ones, and their handicaps."""
    hidden = Vocabulary(tuple(Label(name, (name,)) for name in common_words()))
    words = tuple(dict.fromkeys(word for label in asked for word in label.synonyms))
    text = MiniLM()
    cosine = _vectors(words, text) @ _vectors(hidden.names, text).T
    apart = torch.tensor([[name in _held_apart(word) for name in hidden.names] for word in words])
    listed = torch.tensor([[name in _one_label(word) for name in hidden.names] for word in words])
    kept = ~(listed | (cosine >= SAME) & ~apart).any(0)
    step = torch.where(apart, HANDICAP_APART, HANDICAP)
    handicaps = (step * (cosine - CLOSE).clamp(min=0)).amax(0)
    return tuple(label for label, keep in zip(hidden, kept, strict=True) if keep), handicaps[kept]


def _vectors(words: Sequence[str], text: MiniLM) -> Tensor:
    return embed(Vocabulary(tuple(Label(word, (word,)) for word in words)), text, TEMPLATES).embeddings[:, 0]


@functools.cache
def common_words() -> tuple[str, ...]:
    """What is hidden, but for the words that are asked for."""
    lists = (builtin.class_list(name).labels for name in HIDDEN)
    return tuple(sorted({label[0] for labels in lists for label in labels}))


@functools.lru_cache(4096)
def _held_apart(word: str) -> frozenset[str]:
    """The words that a list with no kinds and parts has in other labels than `word`."""
    lists = [labels for labels in map(_labels, APART) if any(word in label for label in labels)]
    apart = {other for labels in lists for label in labels if word not in label for other in label}
    return frozenset(apart) - _one_label(word)


@functools.lru_cache(4096)
def _one_label(word: str) -> frozenset[str]:
    """The words that some list has in one label with `word`, itself among them."""
    labels = (label for name in builtin.NAMES for label in _labels(name))
    return frozenset((word,)).union(*(label for label in labels if word in label))


def _labels(name: str) -> tuple[tuple[str, ...], ...]:
    return builtin.class_list(name).labels
