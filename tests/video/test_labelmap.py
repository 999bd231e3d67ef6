"""What a label map says about itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from openvss.errors import InputError
from openvss.video.labelmap import LabelMap, Labels

LABELS = np.array([[0, 0, 1], [0, 1, 255]], np.uint8)


def label_map(words: tuple[str, ...], labels: Labels = LABELS) -> LabelMap:
    return LabelMap(labels, np.ones(labels.shape, np.float32), words, 0, Fraction(0))


def test_the_mask_of_a_word() -> None:
    found = label_map(("traffic light", "grass", "sky"))
    mask = found.mask("traffic light")
    assert mask.dtype == bool
    assert mask.tolist() == [[True, True, False], [True, False, False]]
    assert found.mask(" Traffic  LIGHT ").tolist() == mask.tolist()
    assert found.mask("grass").tolist() == [[False, False, True], [False, True, False]]
    assert not found.mask("sky").any()
    assert found.mask("unlabelled").tolist() == [[False] * 3, [False, False, True]]


def test_masks_beyond_254_words() -> None:
    words = tuple(f"word {i}" for i in range(300))
    found = label_map(words, np.array([[255, 299, 65535]], np.uint16))
    assert found.mask("word 255").tolist() == [[True, False, False]]
    assert found.mask("word 299").tolist() == [[False, True, False]]
    assert found.mask("unlabelled").tolist() == [[False, False, True]]


def test_labels_that_share_a_name_share_a_mask() -> None:
    assert label_map(("rug", "rug")).mask("rug").sum() == 5


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("dgo", r"^There is no label 'dgo' in this map: choose dog\.$"),
        ("word", r"choose word 9 or word 8"),
        (
            "pedestrian",
            r"no label 'pedestrian' in this map: choose one of dog, hot dog, word 0, .*word 5 and 14 more\.$",
        ),
        ("", "no label ''"),
        (0, "no label 0 in this map"),
    ],
)
def test_a_word_that_is_not_there_is_answered_with_those_that_are(word: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        label_map(("dog", "hot dog", *(f"word {i}" for i in range(20)))).mask(word)


def test_few_words_are_all_named() -> None:
    with pytest.raises(InputError, match=r"choose one of grass, sky\.$"):
        label_map(("grass", "sky")).mask("person")
