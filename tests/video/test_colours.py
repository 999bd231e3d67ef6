from __future__ import annotations

import random

import numpy as np
import pytest

from openvss.video.colours import FAMILIAR, colours_for, views

VOCABULARY = [f"word {i}" for i in range(400)]


def gaps(names: list[str]) -> np.ndarray:
    """CIELAB distances of all pairs: (pairs, 3 kinds of sight)."""
    seen = views(np.array(colours_for(names), dtype=np.uint8))
    first, second = np.triu_indices(len(names), 1)
    return np.linalg.norm(seen[first] - seen[second], axis=-1)


@pytest.mark.parametrize("number", [2, 10, 20])
def test_words_can_be_told_apart_also_by_colour_blind_people(number: int) -> None:
    for seed in range(25):
        distances = gaps(random.Random(seed).sample(VOCABULARY, number))
        assert distances[:, 0].min() > 17  # normal sight; 2.3 is a just noticeable difference
        assert distances[:, 1:].min() > 10  # protanopia, deuteranopia


def test_the_whole_palette_is_distinct_for_everybody() -> None:
    distances = gaps(VOCABULARY[:64])
    assert distances[:, 0].min() > 15
    assert distances[:, 1:].min() > 9


def test_the_order_of_the_list_does_not_matter() -> None:
    names = VOCABULARY[:120]
    shuffled = random.Random(1).sample(names, len(names))
    assert dict(zip(names, colours_for(names), strict=True)) == dict(
        zip(shuffled, colours_for(shuffled), strict=True)
    )


def test_a_word_often_keeps_its_colour_in_other_lists() -> None:
    alone = {name: colours_for([name])[0] for name in VOCABULARY}
    kept = []
    for seed in range(20):
        names = random.Random(seed).sample(VOCABULARY, 8)
        kept += [colour == alone[name] for name, colour in zip(names, colours_for(names), strict=True)]
    assert np.mean(kept) > 0.4


def test_colours_do_not_change_between_versions() -> None:
    assert colours_for(["person", "zebra", "sky"]) == ((233, 33, 100), (244, 177, 144), (33, 133, 166))


def test_familiar_words_always_have_their_colours() -> None:
    for names in (["sky", "person"], [*VOCABULARY, "sky", "person"], ["lamp", "person", "kite", "sky"]):
        colours = dict(zip(names, colours_for(names), strict=True))
        assert (colours["person"], colours["sky"]) == ((233, 33, 100), (33, 133, 166))


def test_any_number_of_words_gets_as_many_colours() -> None:
    assert colours_for([]) == ()
    names = VOCABULARY[:300]
    assert len(set(colours_for(names))) == 300
    assert len(set(colours_for(["rock", "rock", "Rock"]))) == 3


def test_familiar_words_are_far_apart() -> None:
    distances = gaps(list(FAMILIAR))
    assert distances[:, 0].min() > 28
    assert distances[:, 1:].min() > 17
