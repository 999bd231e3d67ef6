from __future__ import annotations

import json

import pytest

from openvss.errors import InputError
from openvss.video.colours import REST
from openvss.video.formats.classes import class_infos, classes_json

LABELS = [("dog", ("dog", "puppy")), ("sky", ("sky",)), ("everything else", ("everything else",))]


def test_own_colours_are_kept_exactly_and_the_others_avoid_them() -> None:
    usual = class_infos(LABELS)
    own = {"DOG": usual[1].colour, "everything  else": (1, 2, 3)}
    infos = class_infos(LABELS, own=own)
    assert [infos[0].colour, infos[2].colour] == list(own.values())
    assert infos[1].colour not in own.values()
    assert class_infos(LABELS, own={"puppy": (1, 2, 3)})[0].colour == (1, 2, 3)


def test_a_colour_needs_a_word() -> None:
    with pytest.raises(InputError, match="'cat' has a colour but is not among the words: leave it out"):
        class_infos(LABELS, own={"dog": (1, 2, 3), "cat": (1, 2, 3)})


def test_the_rest_is_grey_and_changes_nothing_for_the_words() -> None:
    labels = [(f"word {i}", ()) for i in range(60)]
    infos = class_infos([*labels, ("everything else", ())], rest=60)
    assert infos[:60] == class_infos(labels)
    assert (infos[60].colour, infos[60].rest) == (REST, True)


def test_only_the_rest_says_that_it_is_in_the_file() -> None:
    usual, marked = classes_json(class_infos(LABELS)), classes_json(class_infos(LABELS, rest=2))
    assert '"rest"' not in usual
    assert [entry.get("rest") for entry in json.loads(marked)] == [None, None, True]
    assert marked.partition("everything")[0] == usual.partition("everything")[0]
