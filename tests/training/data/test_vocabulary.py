"""One vocabulary for several data sets, and what is left out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openvss.data.base import Clip, Ids
from openvss.data.synthetic.compositions import compositions, seen
from openvss.errors import InputError
from openvss.training.data.vocabulary import UNKNOWN, join
from openvss.training.recipe.schema import TrainingSet
from openvss.words.vocabulary import Vocabulary


@dataclass(frozen=True)
class Named:
    vocabulary: Vocabulary
    name: str = "folder"
    root: Path = Path()
    split: str = "train"
    ignore: int = 255
    uncounted: tuple[str, ...] = ()
    renumbers: bool = False
    clips: tuple[Clip, ...] = ()

    def read_label(self, path: Path) -> Ids:
        raise NotImplementedError


def named(words: str) -> Named:
    return Named(Vocabulary.parse(words))


def setting(**keys: Any) -> TrainingSet:
    return TrainingSet(set="folder:x", **keys)


def test_classes_of_one_name_are_one() -> None:
    sets = [named("cat, dog | hound, sky"), named("dog | puppy, sofa, road")]
    joint = join(sets, [setting(), setting(rename={"sofa": "couch | sofa"})])
    assert joint.vocabulary.names == ("cat", "dog", "sky", "couch", "road")
    assert joint.vocabulary.labels[1].synonyms == ("dog", "hound", "puppy")
    assert joint.vocabulary.labels[3].synonyms == ("couch", "sofa")
    assert joint.tables[0][[0, 1, 2, 255]].tolist() == [0, 1, 2, UNKNOWN]
    assert joint.tables[1][[0, 1, 2, 255]].tolist() == [1, 3, 4, UNKNOWN]
    assert joint.words == ((0, 1, 2), (1, 3, 4))


def test_one_set_keeps_its_list() -> None:
    joint = join([named("vspw")], [setting()])
    assert joint.vocabulary.source == Vocabulary.parse("vspw").source


def test_seen_classes_of_vspw() -> None:
    joint = join([named("vspw")], [setting(classes="vspw-80-44-seen")])
    assert joint.vocabulary.names == Vocabulary.parse("vspw").names[:80]
    assert joint.tables[0][79] == 79
    assert joint.tables[0][80] == UNKNOWN


def test_seen_compositions() -> None:
    words = ", ".join(look.word for look in compositions())
    joint = join([named(words)], [setting(classes="seen")])
    assert joint.vocabulary.names == tuple(look.word for look in seen())


def test_chosen_and_left_out_by_name() -> None:
    joint = join([named("a, b, c, d")], [setting(classes=("d", "a", "b"), without=("b",))])
    assert joint.vocabulary.names == ("a", "d")
    assert joint.tables[0][:4].tolist() == [0, UNKNOWN, UNKNOWN, 1]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"classes": ("x",)}, "no class 'x': correct classes in"),
        ({"without": ("x",)}, "no class 'x': correct without in"),
        ({"rename": {"x": "y"}}, "no class 'x': correct rename in"),
        ({"without": ("a", "b")}, "No class of folder:x is left"),
        ({"classes": "seen"}, "not a set of synthetic compositions"),
        ({"classes": "vspw-80-44-seen"}, "for a list of 124 words"),
        ({"classes": "vspw-seen"}, "Unknown protocol 'vspw-seen'"),
    ],
)
def test_mistakes_are_named(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        join([named("a, b")], [setting(**keys)])
