"""The words of a run with their ids and colours, and `classes.json`, where they are written down."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from openvss.errors import InputError
from openvss.video.colours import REST, Colour, colours_for


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A word as it appears in every output: its id in the masks, its names and its colour.

    `rest` marks the label of everything that is none of the other words.
    """

    id: int
    name: str
    synonyms: tuple[str, ...]
    colour: Colour
    rest: bool = False


def class_infos(
    labels: Sequence[tuple[str, Sequence[str]]],
    *,
    rest: int | None = None,
    own: Mapping[str, Colour] = MappingProxyType({}),
) -> tuple[ClassInfo, ...]:
    """Ids and colours for (name, synonyms) pairs, ids in order from 0.

    Args:
        labels: Names and synonyms.
        rest: Which of them stands for everything else: it is grey.
        own: The user's own colours by name or synonym; InputError if there is no such word.
    """
    given = _places(labels, own)
    if rest is not None:
        given.setdefault(rest, REST)
    # The palette keeps away from the grey of the rest, which therefore changes no other colour.
    places = [i for i in range(len(labels)) if i != rest]
    own_colours = {place: given[i] for place, i in enumerate(places) if i in given}
    colours = given | dict(zip(places, colours_for([labels[i][0] for i in places], own_colours), strict=True))
    return tuple(
        ClassInfo(id=i, name=name, synonyms=tuple(synonyms), colour=colours[i], rest=i == rest)
        for i, (name, synonyms) in enumerate(labels)
    )


def _places(labels: Sequence[tuple[str, Sequence[str]]], own: Mapping[str, Colour]) -> dict[int, Colour]:
    """The user's colours by id; letter case and extra spaces make no difference."""
    ids = {_key(synonym): i for i, (_, synonyms) in enumerate(labels) for synonym in synonyms}
    ids |= {_key(name): i for i, (name, _) in enumerate(labels)}
    unknown = next((word for word in own if _key(word) not in ids), None)
    if unknown is not None:
        raise InputError(
            f"{unknown!r} has a colour but is not among the words: leave it out or add the word."
        )
    return {ids[_key(word)]: colour for word, colour in own.items()}


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", " ".join(word.split()).casefold())


def classes_json(classes: Sequence[ClassInfo]) -> str:
    """The text of `classes.json`; only the rest says that it is."""
    entries = [asdict(c) for c in classes]
    for entry in entries:
        if not entry["rest"]:
            del entry["rest"]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def colour_table(classes: Sequence[ClassInfo]) -> npt.NDArray[np.uint8]:
    """The colours as an array: (words, 3)."""
    return np.array([c.colour for c in classes], dtype=np.uint8).reshape(-1, 3)
