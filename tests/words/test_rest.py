"""Words for everything else."""

import pytest

from openvss.errors import InputError
from openvss.words import Vocabulary
from openvss.words.rest import NAME, place_of_rest, with_rest


@pytest.mark.parametrize(
    "word", ["background", "Everything  else", "other", "others", "rest", "the rest", "anything else"]
)
def test_spellings(word: str) -> None:
    assert place_of_rest(Vocabulary.parse(f"dog, {word}, cat")) == 1
    assert place_of_rest(Vocabulary.parse(f"dog, none of these | {word}")) == 1


@pytest.mark.parametrize("words", ["dog, cat", "background music", "restaurant, otter", "ade150"])
def test_other_words_mean_what_they_say(words: str) -> None:
    assert place_of_rest(Vocabulary.parse(words)) is None


def test_lists_of_data_sets_mean_what_they_say() -> None:
    words = Vocabulary(Vocabulary.parse("dog, background").labels, source="list@1")
    assert place_of_rest(words) is None


def test_two_words_for_it_are_refused() -> None:
    with pytest.raises(InputError, match="'background' and 'others' both mean everything else: keep one"):
        place_of_rest(Vocabulary.parse("background, dog, others"))
    with pytest.raises(InputError, match="'background' and 'others' both"):
        place_of_rest(Vocabulary.parse("background, others, dog, rest"))


@pytest.mark.parametrize("words", ["background | dog, cat", "cat, dog | background", "dog | background"])
def test_a_word_beside_it_is_refused(words: str) -> None:
    with pytest.raises(
        InputError, match="everything else, and 'dog' does not: give 'dog' a label of its own"
    ):
        place_of_rest(Vocabulary.parse(words))


def test_it_is_added_once() -> None:
    once = with_rest(Vocabulary.parse("dog | puppy, cat"))
    assert once.names == ("dog", "cat", NAME)
    assert once.labels[0].synonyms == ("dog", "puppy")
    assert with_rest(once) is once
    other = Vocabulary.parse("background, dog")
    assert with_rest(other) is other
    assert Vocabulary.parse(str(once)) == once  # what run.json holds leads to the same


def test_alone_it_means_nothing() -> None:
    with pytest.raises(InputError, match=r"'background' means everything else.*: add what to look for"):
        place_of_rest(Vocabulary.parse("background"))
