"""How much each word counts in the loss: w_c of Eq. 6 of STSeg."""

from __future__ import annotations

import torch
from torch import Tensor

from openvss.training.recipe import WordChoice
from openvss.words.overlap import known_words
from openvss.words.vocabulary import Vocabulary


def word_weights(choice: WordChoice, vocabulary: Vocabulary) -> Tensor | None:
    """(N,): alpha for words that an earlier stage had, 1 - alpha for others; None if all count alike."""
    if choice.seen is None:
        return None
    seen = torch.tensor(known_words(vocabulary, Vocabulary.parse(choice.seen)))
    return torch.where(seen, choice.alpha, 1 - choice.alpha)
