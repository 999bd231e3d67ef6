import pytest
import torch
from pydantic import ValidationError

from openvss.training.recipe import WordChoice
from openvss.training.word_weights import word_weights
from openvss.words.vocabulary import Vocabulary


def test_seen_words_weigh_alpha() -> None:
    words = Vocabulary.parse("sky, aeroplane, wing")
    weights = word_weights(WordChoice(seen="airplane, sky other"), words)
    assert weights is not None
    torch.testing.assert_close(weights, torch.tensor([0.3, 0.3, 0.7]))
    assert word_weights(WordChoice(), words) is None


def test_the_literal_loss_needs_to_know_what_was_seen() -> None:
    with pytest.raises(ValidationError, match="which words were seen"):
        WordChoice(literal=True)
