"""Which classes of a published data set its synthetic twin shows, and what they look like.

Classes are named by their words; their ids come from the built-in lists. `VOID` and `ALSO_VOID` are things
that are not classes of the set: the layout decides which numbers its files give them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from openvss.data.synthetic.compositions import REGIONS, Composition
from openvss.words.builtin import class_list

VOID = -1
ALSO_VOID = -2
OBJECTS_A_SCENE = 3
STUFF = ("sky", "wall", "building", "mountain", "road", "grass", "floor")  # in sets of images
# Things outside the classes look unlike any class.
NOTHING = Composition("black", "plain", "disc")
NOTHING_ELSE = Composition("white", "dotted", "star")

LOOKS = {
    "sky": "blue plain sky",
    "wall": "yellow plain sky",
    "building": "orange checked sky",
    "curtain": "red striped sky",
    "vegetation": "green dotted sky",
    "mountain": "purple plain sky",
    "road": "grey plain ground",
    "grass": "green plain ground",
    "floor": "brown checked ground",
    "sidewalk": "grey checked ground",
    "pavement": "grey checked ground",
    "terrain": "brown dotted ground",
    "person": "red plain disc",
    "pedestrian": "red plain disc",
    "rider": "red striped disc",
    "bicyclist": "red striped disc",
    "car": "blue plain square",
    "bus": "yellow striped square",
    "train": "purple striped square",
    "bicycle": "green striped disc",
    "motorbike": "purple dotted disc",
    "aeroplane": "white plain triangle",
    "boat": "white striped triangle",
    "tree": "green plain triangle",
    "flower": "red dotted star",
    "bird": "yellow plain star",
    "cat": "orange dotted disc",
    "dog": "brown dotted disc",
    "horse": "brown plain triangle",
    "cow": "white dotted square",
    "sheep": "white plain disc",
    "bottle": "green plain star",
    "bench": "brown striped square",
    "bag": "yellow dotted square",
    "trash can": "purple plain square",
    "traffic light": "green dotted triangle",
    "traffic sign": "yellow checked triangle",
    "sign symbol": "yellow checked triangle",
    "pole": "grey striped triangle",
    "fence": "brown checked square",
    "book": "red checked square",
    "clock": "yellow dotted disc",
    "guitar": "orange checked star",
    "violin": "orange checked star",
    "adding machine": "blue checked square",
    "wood": "brown striped triangle",
    "wool": "white checked disc",
}


@dataclass(frozen=True)
class CastPart:
    """Something to show.

    Attributes:
        id: Its class id, `VOID` or `ALSO_VOID`.
        look: How it is painted.
    """

    id: int
    look: Composition


@dataclass(frozen=True)
class Cast:
    """What a layout's scenes are put together from: each takes the next sky, ground and objects in turn.

    Attributes:
        skies: Above the horizon.
        grounds: Below it.
        objects: Before both.
        at_once: Objects in a scene.
    """

    skies: tuple[CastPart, ...]
    grounds: tuple[CastPart, ...]
    objects: tuple[CastPart, ...]
    at_once: int = OBJECTS_A_SCENE

    def scene(self, number: int) -> tuple[CastPart, CastPart, tuple[CastPart, ...]]:
        """Sky, ground and objects of a scene; over the scenes everything occurs about equally often."""
        first = number * self.at_once
        objects = (self.objects[(first + i) % len(self.objects)] for i in range(self.at_once))
        return self.skies[number % len(self.skies)], self.grounds[number % len(self.grounds)], tuple(objects)


def official(name: str, words: Sequence[str], *others: Composition, background: int | None = None) -> Cast:
    """A cast of classes from a built-in list, and of things outside it: `VOID`, then `ALSO_VOID`.

    Args:
        name: The list.
        words: The classes.
        others: How things outside the list look.
        background: What skies and grounds count as, where they are no classes of the list.
    """
    ids = {labels[0]: number for number, labels in enumerate(class_list(name).labels)}
    parts = [CastPart(ids[word], look(LOOKS[word])) for word in words]
    parts += [CastPart(VOID - i, appearance) for i, appearance in enumerate(others)]
    if background is not None:
        parts += [CastPart(background, look(LOOKS[word])) for word in ("sky", "wall", "grass", "floor")]
    return from_parts(parts)


def from_parts(parts: Sequence[CastPart]) -> Cast:
    """Sort parts by what they are."""
    by_shape = {shape: tuple(p for p in parts if p.look.shape == shape) for shape in REGIONS}
    objects = tuple(p for p in parts if p.look.shape not in REGIONS)
    return Cast(by_shape["sky"], by_shape["ground"], objects)


def of_compositions(looks: Sequence[Composition], ids: dict[Composition, int], seed: int) -> Cast:
    """A cast of words that compose, in random order."""
    parts = [CastPart(ids[appearance], appearance) for appearance in looks]
    random.Random(f"cast {seed}").shuffle(parts)
    return from_parts(parts)


def look(word: str) -> Composition:
    """A composition from its word."""
    colour, texture, shape = word.split()
    return Composition(colour, texture, shape)
