"""Models whose words are fixed."""

from __future__ import annotations

import pytest
import torch

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.fixed_words import choose
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Label, Vocabulary
from tests.models.closed import Closed
from tests.models.suite import CLOSED_SET, VideoModelSuite, as_frames, video


class TestClosed(VideoModelSuite):
    def build(self) -> VideoModel:
        return Closed(CLOSED_SET)


def places(words: str, fixed: str | Vocabulary) -> list[int]:
    closed = Vocabulary.parse(fixed) if isinstance(fixed, str) else fixed
    rows = choose(Vocabulary.parse(words), closed)
    assert rows.shape == (len(rows), 1, len(closed))
    assert torch.equal(rows.sum(-1), torch.ones(len(rows), 1))
    return rows[:, 0].argmax(-1).tolist()


def test_words_are_found_by_name_and_by_synonym() -> None:
    assert places("sky, Person, car", "car | auto, pedestrian | person, sky") == [2, 1, 0]
    assert places("human | auto, heaven | sky", "car | auto, sky") == [0, 1]


def test_a_shared_word_means_the_class_of_that_name() -> None:
    shared = Vocabulary((Label("door", ("door", "screen")), Label("screen", ("screen",))))
    assert places("screen, door", shared) == [1, 0]


def test_unknown_words_and_two_words_of_one_class_are_named() -> None:
    with pytest.raises(InputError, match=r"'dog'.*its 2 words, such as road, sky"):
        places("sky, dog", "road, sky")
    with pytest.raises(InputError, match=r"'person' and 'rider' are the same class.*'human'"):
        places("person, sky, rider", "human | person | rider, sky")


def test_a_segmenter_starts_with_the_models_words() -> None:
    torch.manual_seed(0)
    model, frame = Closed("road, sky, tree"), as_frames(video(1))[0]
    segmenter = Segmenter(model, device="cpu")
    all_words = segmenter.step(frame)
    assert all_words.words == ("road", "sky", "tree")
    some = segmenter.ask("tree, road")
    assert some.words == ("tree", "road")
    kept = all_words.labels != 1  # where sky is not the best, the best of two is the best of three
    assert kept.any()
    assert ((some.labels == 0) == (all_words.labels == 2))[kept].all()


def test_labels_keep_the_users_names() -> None:
    words = Closed("car | auto, sky").embed(Vocabulary.parse("auto"))
    assert words.names == ("auto",)
