"""What `tiny` is taught: dense vectors against words, and against the names of an ImageNet classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.tiny.model import SCALE
from openvss.models.words import TextEncoder, embed
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.data import NONE_OF_VOC

# A pixel of the left class may as well be called the right word: no penalty there. (Few people are cyclists:
# a person may not be called one.)
ALSO = (
    ("cyclist", "bicycle"),
    ("cyclist", "person"),
    ("dining table", "table"),
    ("potted plant", "flower"),
    ("potted plant", "tree"),
    ("potted plant", "vase"),
    ("stop sign", "street sign"),
    ("street sign", "stop sign"),
)
RARITY = 0.5  # a class counts with the number of its positions to the power of minus this


class WordTable:
    """Embeddings of the training words and their synonyms."""

    def __init__(self, words: Sequence[tuple[str, ...]], text: TextEncoder) -> None:
        phrases = Vocabulary(tuple(Label(phrase, (phrase,)) for synonyms in words for phrase in synonyms))
        self.phrases = embed(phrases, text, TEMPLATES).embeddings[:, 0]
        ends = np.cumsum([0, *(len(synonyms) for synonyms in words)])
        self.spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        self.means = torch.stack([F.normalize(self.phrases[a:b].mean(0), dim=0) for a, b in self.spans])

    def draw(self) -> Tensor:
        """(N, D): for each label either the mean of its synonyms or one of them, by torch's generator."""
        first, end = torch.tensor(self.spans).T
        one = first + (torch.rand(len(first)) * (end - first)).long()
        return torch.where(torch.rand(len(first), 1) < 0.5, self.means, self.phrases[one])


class WordLoss:
    """Cross-entropy of dense vectors against words; VOC's background may be any word but the 20."""

    def __init__(self, words: Sequence[tuple[str, ...]], voc_ids: Sequence[int]) -> None:
        ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
        self.other = torch.ones(len(words), dtype=torch.bool)
        self.other[list(voc_ids)] = False
        self.also = torch.zeros(len(words), len(words), dtype=torch.bool)
        for name, accepted in ((a, b) for a, b in ALSO if a in ids and b in ids):
            self.also[ids[name], ids[accepted]] = True

    def __call__(self, dense: Tensor, labels: Tensor, words: Tensor) -> Tensor:
        """`dense` (n, D) unit vectors, `labels` (n,) without `IGNORE`, `words` (N, D)."""
        logits = dense @ words.T * SCALE  # (n, N)
        named = labels != NONE_OF_VOC
        target = labels[named]
        each = F.cross_entropy(logits[named].masked_fill(self.also[target], -1e4), target, reduction="none")
        count = torch.bincount(target, minlength=len(words)).clamp(min=1).float()
        weight = count.pow(-RARITY)[target]
        weight = weight / weight.mean().clamp(min=1e-6)
        rest = logits[~named]
        none_of_voc = rest.logsumexp(1) - rest[:, self.other].logsumexp(1)
        return ((each * weight).sum() + none_of_voc.sum()) / max(len(labels), 1)


def name_loss(vectors: Tensor, posterior: Tensor, names: Tensor, floor: float) -> Tensor:
    """Cross-entropy between the classifier's names and the words nearest to the vectors.

    `vectors` (B, h, w, D) of unit length, `posterior` (B, h, w, K), `names` (K, D).
    """
    certain = posterior.amax(-1)
    weight = certain * (certain > floor)
    logits = vectors @ names.T * SCALE
    each = -(posterior * logits.log_softmax(-1)).sum(-1)
    loss: Tensor = (each * weight).sum() / weight.sum().clamp(min=1)
    return loss
