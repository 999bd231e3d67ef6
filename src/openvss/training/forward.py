"""One forward pass with its loss, as one module, so that all of it is what accelerate prepares."""

from __future__ import annotations

from torch import Tensor, nn

from openvss.errors import InputError
from openvss.models.base import Output, VideoModel
from openvss.models.words import WordEmbeddings
from openvss.training.data.batches import Batch
from openvss.training.recipe.schema import WordChoice
from openvss.training.word_weights import balancing_weights, word_weights
from openvss.words.vocabulary import Vocabulary


class Pass(nn.Module):
    """From a batch of clips to the terms of the model's loss."""

    def __init__(self, model: VideoModel, vocabulary: Vocabulary, choice: WordChoice) -> None:
        super().__init__()
        self.model = model
        self._vocabulary, self._balance = vocabulary, choice.balance
        if self._balance and model.independent_words:
            raise InputError("words.balance is for words that rival, and this model says yes or no to each.")
        self._weights = word_weights(choice, vocabulary)
        self._words: WordEmbeddings | None = None

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The terms, to be added up."""
        if self._words is None:  # not before the model is on its device
            self._words = self.model.embed(self._vocabulary)
        ids = list(batch.words)
        words = WordEmbeddings(tuple(self._words.names[i] for i in ids), self._words.embeddings[ids])
        return self._loss(self.model(batch.frames, words, batch.context), batch.labels, ids)

    def _loss(self, output: Output, labels: Tensor, ids: list[int]) -> dict[str, Tensor]:
        weights = None if self._weights is None else self._weights[ids].to(labels.device)
        if self._balance:
            balancing = balancing_weights(labels, len(ids), self._balance)
            weights = balancing if weights is None else weights * balancing
        return self.model.loss(output, labels, weights)
