"""One step: the weights of words in the loss."""

from __future__ import annotations

import pytest
import torch

from openvss.errors import InputError
from openvss.models.base import IGNORE
from openvss.training.data.batches import Batch
from openvss.training.recipe.schema import WordChoice
from openvss.training.stepper import Pass, balancing_weights, word_weights
from openvss.words.vocabulary import Vocabulary
from tests.models.two_frame import TwoFrame


def test_seen_words_weigh_alpha() -> None:
    words = Vocabulary.parse("sky, aeroplane, wing")
    weights = word_weights(WordChoice(seen="airplane, sky other"), words)
    assert weights is not None
    torch.testing.assert_close(weights, torch.tensor([0.3, 0.3, 0.7]))
    assert word_weights(WordChoice(), words) is None


def test_balanced_words_count_alike_and_a_pixel_counts_1_in_the_mean() -> None:
    labels = torch.tensor([[0, 0, 0, 0, 2, 255, 255]])  # word 1 is nowhere
    even = balancing_weights(labels, 3, power=1.0)
    torch.testing.assert_close(even * torch.tensor([4.0, 0, 1]), torch.tensor([2.5, 0, 2.5]))
    half = balancing_weights(labels, 3, power=0.5)
    assert half[2] / half[0] == pytest.approx(2.0)  # sqrt(4 / 1)
    assert (4 * half[0] + half[2]).item() == pytest.approx(5)
    assert balancing_weights(labels, 3, power=0.0).tolist() == [1, 0, 1]
    assert balancing_weights(torch.full((1, 4), 255), 3, power=1.0).tolist() == [0, 0, 0]


def test_a_pass_weighs_by_the_words_of_its_batch() -> None:
    """Balance times alpha, both in the order of the batch's words."""
    torch.manual_seed(0)
    model, vocabulary = TwoFrame(), Vocabulary.parse("sky, car, wing")
    labels = torch.full((1, 3, 16, 16), IGNORE)
    labels[0, -1, :12], labels[0, -1, 12:14] = 0, 1  # of words 0 and 2: sky and wing
    batch = Batch(0, ("a",), torch.rand(1, 3, 3, 16, 16), None, labels, words=(0, 2))
    terms = Pass(model, vocabulary, WordChoice(balance=1.0, seen="sky"))(batch)
    words = model.embed(Vocabulary.parse("sky, wing"))
    weights = torch.tensor([0.3, 0.7]) * balancing_weights(labels, 2, power=1.0)
    torch.testing.assert_close(terms, model.loss(model(batch.frames, words), labels, weights))


def test_only_rivals_can_be_balanced() -> None:
    model = TwoFrame()
    model.independent_words = True
    with pytest.raises(InputError, match="decides each word by itself"):
        Pass(model, Vocabulary.parse("sky, road"), WordChoice(balance=1.0))
