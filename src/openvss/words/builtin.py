"""The class lists of published data sets: versioned data files, because a list is part of every score."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

NAMES = ("vspw", "cityscapes", "coco-stuff", "ade150", "ade847", "pc59", "pc459", "voc20", "camvid")
RAW_NAMES = ("coco-stuff-raw", "pc59-raw", "pc459-raw", "voc20-raw")
"""The same classes as SED and CAT-Seg spell them ("tvmonitor", "wall-brick"), where ours differ."""

_HEADER = re.compile(r"# (?P<name>\S+) v(?P<version>\d+): (?P<source>.+)")


@dataclass(frozen=True)
class ClassList:
    """One built-in list.

    Attributes:
        name: What the user types for it.
        version: Raised whenever a word of the list changes.
        source: Where the list comes from, and how its names were cleaned.
        labels: The synonyms of each label, in the data set's id order. Two labels may share a synonym
            (ADE-847 has 41 such words); a label never repeats one.
    """

    name: str
    version: int
    source: str
    labels: tuple[tuple[str, ...], ...]


@functools.cache
def class_list(name: str) -> ClassList:
    """Read one of the lists in `NAMES` or `RAW_NAMES`."""
    text = (Path(__file__).parent / "lists" / f"{name}.txt").read_text(encoding="utf-8")
    header, *lines = text.splitlines()
    match = _HEADER.fullmatch(header)
    if match is None or match["name"] != name:
        raise ValueError(f"lists/{name}.txt must start with '# {name} v<number>: <source>'")
    labels = tuple(tuple(line.split(" | ")) for line in lines)
    return ClassList(name, int(match["version"]), match["source"], labels)
