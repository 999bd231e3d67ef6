"""The words of a run with their ids and colours, and `classes.json`, where they are written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from openvss.video.colours import Colour, colours_for


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


def class_infos(labels: Sequence[tuple[str, Sequence[str]]]) -> tuple[ClassInfo, ...]:
    """Ids and colours for (name, synonyms) pairs, ids in order from 0."""
    colours = colours_for([name for name, _ in labels])
    return tuple(
        ClassInfo(id=i, name=name, synonyms=tuple(synonyms), colour=colour)
        for i, ((name, synonyms), colour) in enumerate(zip(labels, colours, strict=True))
    )


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
