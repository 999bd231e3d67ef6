from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openvss.errors import InputError
from openvss.evaluation.ground_truth import object_ids
from openvss.evaluation.metrics.frame_picks import FramePicks
from openvss.evaluation.metrics.objects import ObjectOverlap, ObjectScores, mean_object_iou
from openvss.words.vocabulary import Vocabulary

WORDS = Vocabulary.parse("background, person | cyclist, bicycle | bike, dog, Café Table")


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["dog"], (3,)),
        (["person", "bicycle"], (1, 2)),
        (["BIKE", " cyclist "], (1, 2)),
        (["person", "cyclist"], (1,)),
        (["cafe\u0301  table"], (4,)),
    ],
)
def test_a_word_is_found_by_any_synonym_however_it_is_written(words: list[str], ids: tuple[int, ...]) -> None:
    assert object_ids("a", words, WORDS) == ids


def test_a_synonym_that_labels_share_means_all_of_them() -> None:
    official = Vocabulary.parse("ade847")
    shared = [word for label in official for word in label.synonyms]
    word = next(word for word in shared if shared.count(word) > 1)
    assert len(object_ids("a", [word], official)) > 1


def test_a_word_that_is_missing_is_named_with_its_sequence() -> None:
    with pytest.raises(InputError, match=r"The object of the sequence 'bmx' is 'camel'.*add it"):
        object_ids("bmx", ["person", "camel"], WORDS)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1,), (1, 2), (3, 254)]))
def test_counts_are_those_of_a_loop(seed: int, words: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    counts = ObjectOverlap()
    intersection = union = 0
    for _ in range(3):
        labels = rng.choice([0, 1, 7, 255], (4, 6)).astype(np.uint8)
        predictions = rng.choice([0, 1, 2, 3, 255], (4, 6)).astype(np.uint8)
        counts.update(labels, predictions, object_id=7, words=words, ignore=255)
        for label, predicted in zip(labels.ravel().tolist(), predictions.ravel().tolist(), strict=True):
            intersection += label == 7 and predicted in words
            union += label != 255 and (label == 7 or predicted in words)
    assert (counts.intersection, counts.union) == (intersection, union)
    assert counts.iou == (intersection / union if union else pytest.approx(math.nan, nan_ok=True))


def test_frames_are_pooled_and_sequences_averaged() -> None:
    mask = np.array([[1, 1, 0, 255]], np.uint8)
    every, first = np.full_like(mask, 1), np.array([[1, 0, 0, 0]], np.uint8)
    sequence = ObjectOverlap()
    sequence.update(mask, every, object_id=1, words=(1,), ignore=255)  # 2 of 3
    sequence.update(mask, first, object_id=1, words=(1,), ignore=255)  # 1 of 2
    assert sequence.iou == pytest.approx(3 / 5)
    perfect = ObjectOverlap(10, 10)
    assert mean_object_iou([sequence, perfect, ObjectOverlap()]) == pytest.approx((3 / 5 + 1) / 2)
    assert math.isnan(mean_object_iou([ObjectOverlap()]))


def test_counts_survive_json() -> None:
    counts = ObjectOverlap(3, 2**60)
    scores = ObjectScores(255, {7: counts}, FramePicks())
    assert ObjectScores.from_state(json.loads(json.dumps(scores.state()))).found == {7: counts}


def test_pictures_of_different_sizes_are_no_pair() -> None:
    wide = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in size"):
        ObjectOverlap().update(wide, wide[:1], object_id=1, words=(1,), ignore=255)
