"""Features -> logits of words: a classifier of fixed words, or similarity to any words."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from openvss.models.fixed_words import select
from openvss.models.layers.cosine import similarity
from openvss.models.words import TextEncoder, WordEmbeddings
from openvss.words.vocabulary import Vocabulary

TEMPERATURE = 0.07  # of the similarities at the start; learned


class FixedClassifier(nn.Module):
    """One filter for each word of a closed list."""

    def __init__(self, channels: int, n_words: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(0.1)
        self.project = nn.Conv2d(channels, n_words, 1)

    def forward(self, x: Tensor, words: WordEmbeddings) -> Tensor:
        """(B, C, h, w) -> (B, N, h, w)."""
        # the filters of the wanted words only, and as a product of matrices, which takes any layout of memory
        weight = select(self.project.weight.flatten(1)[None], words)[0]  # (N, C)
        bias = select(self.project.get_parameter("bias")[None], words)[0]
        return (weight @ self.dropout(x).flatten(2) + bias[:, None]).unflatten(2, x.shape[2:])


class WordClassifier(nn.Module):
    """Cosine of features, brought to the text space, and the words' embeddings: any words, in any order."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(0.1)
        self.project = nn.Conv2d(channels, dim, 1)
        self.scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))

    def forward(self, x: Tensor, words: WordEmbeddings) -> Tensor:
        """(B, C, h, w) -> (B, N, h, w)."""
        return self.scale.exp() * similarity(self.project(self.dropout(x)), words.embeddings[None])


Classifier = FixedClassifier | WordClassifier


def weights_of(text: TextEncoder) -> nn.ModuleList:
    """The modules behind a text encoder, so that a model that holds them saves and moves them."""
    return nn.ModuleList(part for part in vars(text).values() if isinstance(part, nn.Module))


def classifier(channels: int, words: Vocabulary | TextEncoder) -> Classifier:
    """For a closed list, or for any words that the encoder can read."""
    if isinstance(words, Vocabulary):
        return FixedClassifier(channels, len(words))
    return WordClassifier(channels, words.dim)
