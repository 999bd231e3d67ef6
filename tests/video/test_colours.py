from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from openvss.video import colours
from openvss.video.colours import FAMILIAR, FOOTAGE, REST, Colour, colours_for, separation, tinted, views
from openvss.words.builtin import NAMES
from openvss.words.vocabulary import Vocabulary

VOCABULARY = [f"word {i}" for i in range(400)]


def rgb(given: Sequence[Colour]) -> np.ndarray:
    return np.array(given, dtype=np.uint8)


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
    assert colours_for(["person", "zebra", "sky"]) == ((198, 54, 33), (137, 189, 151), (175, 205, 255))


def test_familiar_words_always_have_their_colours() -> None:
    for names in (["sky", "person"], [*VOCABULARY, "sky", "person"], ["lamp", "person", "kite", "sky"]):
        colours = dict(zip(names, colours_for(names), strict=True))
        assert (colours["person"], colours["sky"]) == ((198, 54, 33), (175, 205, 255))


def test_of_words_that_share_a_colour_the_first_of_the_table_has_it() -> None:
    both = dict(zip(["vegetation", "tree"], colours_for(["vegetation", "tree"]), strict=True))
    assert both["tree"] == colours_for(["tree"])[0] == colours_for(["vegetation"])[0] != both["vegetation"]


def test_any_number_of_words_gets_as_many_colours() -> None:
    assert colours_for([]) == ()
    names = VOCABULARY[:300]
    assert len(set(colours_for(names))) == 300
    assert len(set(colours_for(["rock", "rock", "Rock"]))) == 3


def test_own_colours_are_kept_and_no_other_word_comes_near_them() -> None:
    blue = colours_for(["sky"])[0]
    near = (blue[0] + 1, blue[1], blue[2])
    colours = colours_for(["dog", "sky", "person"], {0: near})
    assert colours[0] == near
    assert colours[2] == colours_for(["person"])[0]
    assert separation(rgb([colours[1]]), rgb([near])).min() > 4
    # Also where the palette runs out.
    many = colours_for(VOCABULARY, {5: (1, 2, 3)})
    assert many[5] == (1, 2, 3)
    assert len(set(many)) == len(VOCABULARY)


@pytest.mark.parametrize("number", [1000, 4000])
def test_the_work_for_many_words_grows_with_their_number(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    compared = 0

    def counting(seen: np.ndarray, others: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += seen.shape[-1] * others.shape[-1]
        return seen[0, 0]

    monkeypatch.setattr(colours, "_closest", counting)
    assert len(set(colours_for([f"word {i}" for i in range(number)]))) == number
    assert 64 * number < compared <= 12 * 200 * number


TWELVE = "person, sky, tree, grass, road, car, building, water, dog, bicycle, wall, sidewalk"


def test_familiar_words_are_far_apart() -> None:
    distances = gaps(TWELVE.split(", "))
    assert distances[:, 0].min() > 28
    assert distances[:, 1:].min() > 17


# What often lies side by side in a picture.
NEIGHBOURS = """
sky/tree sky/building sky/mountain sky/water sky/cloud sky/rock sky/sand sky/snow sky/bird
sky/aeroplane tree/building tree/grass tree/road tree/water tree/mountain tree/rock tree/ground
tree/fence tree/snow grass/road grass/path grass/person grass/dog grass/cow grass/sheep
grass/horse grass/fence grass/water grass/plant grass/flower grass/rock grass/ground
grass/mountain path/tree plant/tree road/ground road/sidewalk road/car road/person road/bicycle
road/bus road/truck road/building sidewalk/person sidewalk/building sidewalk/car building/car
building/person person/car person/sky person/tree person/dog person/horse person/bicycle
person/motorcycle person/wall person/floor person/chair person/sofa water/sand water/boat
water/rock snow/mountain dog/sofa cat/sofa wall/floor wall/ceiling wall/door wall/window
wall/curtain wall/bed wall/sofa floor/table floor/chair table/chair vegetation/sky
terrain/vegetation terrain/road pavement/road pavement/pedestrian street/house
"""


def neighbours(names: Sequence[str]) -> list[tuple[int, int]]:
    """The places of neighbours in a list of words."""
    pairs = [pair.split("/") for pair in NEIGHBOURS.split()]
    return [(names.index(a), names.index(b)) for a, b in pairs if a in names and b in names]


LISTS = [
    *NAMES,
    "person | pedestrian, bicycle, car, road, building, tree, sky",
    "rabbit, grass, tree, rock, sky",
]


@pytest.mark.parametrize("grey", [0, 24, 60, 110, 160, 215, 255])
def test_neighbours_can_be_told_apart_under_the_tint(grey: int) -> None:
    for words in LISTS:
        names = Vocabulary.parse(words).names
        first, second = np.array(neighbours(names)).T
        seen = views(tinted(rgb(colours_for(names)), grey))
        distances = np.linalg.norm(seen[first] - seen[second], axis=-1)
        assert distances[:, 0].min() > 15
        assert distances[:, 1:].min() > 9


@pytest.mark.parametrize("grey", FOOTAGE)
def test_no_two_tints_of_the_palette_look_alike(grey: int) -> None:
    palette = rgb(colours_for(VOCABULARY[:64]))
    seen = views(tinted(palette, grey))
    first, second = np.triu_indices(len(palette), 1)
    distances = np.linalg.norm(seen[first] - seen[second], axis=-1)
    assert distances[:, 0].min() > 7
    assert distances[:, 1:].min() > 4.2
    assert separation(palette, rgb([REST])).min() > 3.5


@pytest.mark.parametrize("grey", FOOTAGE)
def test_a_tint_is_seen_on_any_footage(grey: int) -> None:
    footage = views(rgb([(grey,) * 3]))[:, 0]
    colours = rgb([colours_for([word])[0] for word in FAMILIAR])
    assert np.linalg.norm(views(tinted(colours, grey))[:, 0] - footage, axis=-1).min() > 14
