"""Words that MiniLM does not know as English: false alarms and misses on fixed lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from openvss.models.doubtful_words import looks_like_several, near_spellings, unknown_words
from openvss.models.encoders.minilm import MiniLM
from openvss.models.words import shipped_words
from openvss.words.builtin import NAMES, class_list

IMAGENET = Path(__file__).parents[2] / "projects" / "tiny" / "imagenet1k.txt"
GERMAN = """
    hund katze haus strasse straße baum himmel mensch auto fahrrad wiese wolke fenster tisch stuhl
    gras berg fluss vogel pferd kuh schaf blume wald schnee wasser brücke gehweg ampel wand
"""
FRENCH = """
    chien chat maison rue arbre ciel personne voiture vélo herbe nuage fenêtre chaise montagne
    rivière oiseau cheval vache mouton fleur forêt neige eau pont trottoir mur bateau camion route
"""
GIBBERISH = """
    asdfgh qwertz xyzzy blorb flurgle zxcvb jkl hjkl foobar grmpf kzzt lorem wibble snarf qqq aaa
    dgo skyy persn raod trea buliding peron pavment bycicle
"""
NOT_SHIPPED = [  # English all the same
    "streetlight", "people walking", "red car", "blue sky", "snowman", "traffic cone", "wheelchair",
    "smartphone", "headphones", "drone", "haystack", "puddle", "pebbles", "moss", "sunflower", "heron",
    "surfer", "goalpost", "drum kit", "chopping board", "garlic", "kettle", "dishwasher", "surgeon",
    "syringe", "liver", "forklift", "robot arm", "cardboard box", "hard hat", "capybara", "quokka",
    "scarecrow", "ukulele", "seaweed", "tulip", "seagull", "kayak", "scalpel", "polyp",
]  # fmt: skip


@pytest.fixture(scope="module")
def text() -> MiniLM:
    return MiniLM()


def test_no_false_alarm_on_common_words(text: MiniLM) -> None:
    lists = [word for name in NAMES for label in class_list(name).labels for word in label]
    imagenet = [
        word.strip().lower()
        for line in IMAGENET.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
        for word in line.split("|")
    ]
    assert len(lists) > 2000
    assert len(imagenet) > 1000
    assert unknown_words([*lists, *imagenet], text) == ()


@pytest.mark.parametrize(
    ("words", "missed"),
    [
        (GERMAN, ["himmel", "auto", "berg", "vogel", "wand"]),
        (FRENCH, ["chat", "maison", "rue", "chaise", "pont", "camion", "route"]),
        (GIBBERISH, ["aaa"]),
    ],
)
def test_other_languages_and_gibberish(text: MiniLM, words: str, missed: list[str]) -> None:
    assert [word for word in words.split() if word not in unknown_words(words.split(), text)] == missed


def test_false_alarms_on_english_that_does_not_ship(text: MiniLM) -> None:
    """The encoder has these in pieces, so what it makes of them is worth a doubt."""
    assert not shipped_words().issuperset(NOT_SHIPPED)
    assert unknown_words(NOT_SHIPPED, text) == (
        "capybara", "quokka", "scarecrow", "ukulele", "seaweed", "tulip", "seagull", "kayak",
        "scalpel", "polyp",
    )  # fmt: skip


def test_one_strange_part_is_enough(text: MiniLM) -> None:
    assert unknown_words(["red car", "red hund", "t-shirt", "tv", "café", "route 66"], text) == ("red hund",)


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("raod", "road"),
        ("the bycicle", "the bicycle"),
        ("dgo", "dog"),
        ("pérsonn", "person"),
        ("asdfgh", None),
    ],
)
def test_near_spellings(text: MiniLM, word: str, near: str | None) -> None:
    found = near_spellings(word, text)
    assert len(found) <= 3
    assert near in found if near else not found


def test_a_list_without_commas() -> None:
    several = ["person road sky", "dog cat grass tree"]
    one = ["person", "red car", "dog house", "toilet paper holder", "traffic light pole", "man on horse"]
    assert [word for word in [*several, *one] if looks_like_several(word)] == several
