"""How much each word counts in the loss: w_c of Eq. 6 of STSeg, and more for rare words."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.models.base import IGNORE
from openvss.training.recipe.schema import WordChoice
from openvss.words.overlap import known_words
from openvss.words.vocabulary import Vocabulary


def word_weights(choice: WordChoice, vocabulary: Vocabulary) -> Tensor | None:
    """(N,): alpha for words that an earlier stage had, 1 - alpha for others; None if all count alike."""
    if choice.seen is None:
        return None
    seen = torch.tensor(known_words(vocabulary, Vocabulary.parse(choice.seen)))
    return torch.where(seen, choice.alpha, 1 - choice.alpha)


def balancing_weights(labels: Tensor, n_words: int, power: float) -> Tensor:
    """(N,): n^-power of a word that n labelled pixels have, scaled so that these weigh 1 in the mean."""
    counts = torch.bincount(labels[labels != IGNORE].flatten(), minlength=n_words).float()
    weights = torch.where(counts > 0, counts.clamp(min=1) ** -power, 0.0)
    return weights * counts.sum() / (weights * counts).sum().clamp(min=1)
