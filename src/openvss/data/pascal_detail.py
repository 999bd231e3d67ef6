"""PASCAL in Detail's annotation file (`trainval_merged.json`), read piece by piece.

It is too large to load at once, so one pass notes where each image's regions are, and each is read when its
turn comes. Regions are COCO's compressed run lengths.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from openvss.data.labels import save_labels
from openvss.errors import InputError

BLOCK = 1 << 20
IGNORED = 255
NOT_SPACE = re.compile(r"\S")
Span = tuple[int, int]


@dataclass(frozen=True)
class DetailPicture:
    """One image of the file; `phase` is its split."""

    id: int
    file_name: str
    phase: str
    size: tuple[int, int]


class Detail:
    """The regions of one file, as label files of the classes that `classes` maps its categories to."""

    def __init__(self, path: Path, classes: Mapping[int, int]) -> None:
        self._path = path
        self._classes = classes

    def pictures(self) -> list[DetailPicture]:
        """All images of the file."""
        return self._index[0]

    def write(self, picture: DetailPicture, target: Path) -> None:
        """Make an image's label file."""
        labels = np.full(picture.size, IGNORED, np.uint8)
        try:
            with self._path.open("rb") as file:
                for start, end in self._index[1].get(picture.id, ()):
                    file.seek(start)
                    region = json.loads(file.read(end - start))
                    mask = decode(region["segmentation"]["counts"], picture.size)
                    labels[mask] = self._classes.get(region["category_id"], IGNORED)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The regions of {picture.file_name} in {self._path} cannot be read: get a complete copy."
            ) from error
        save_labels(labels, target)

    @functools.cached_property
    def _index(self) -> tuple[list[DetailPicture], Mapping[int, list[Span]]]:
        pictures: list[DetailPicture] = []
        regions: dict[int, list[Span]] = defaultdict(list)
        try:
            for key, item, span in array_items(self._path):
                if key == "images":
                    size = item["height"], item["width"]
                    pictures.append(DetailPicture(item["image_id"], item["file_name"], item["phase"], size))
                elif key == "annos_segmentation":
                    regions[item["image_id"]].append(span)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self._path} is not the annotation file of PASCAL in Detail: get a complete copy."
            ) from error
        return pictures, regions


def array_items(path: Path) -> Iterator[tuple[str, Any, Span]]:
    """The items of the arrays in a JSON file's outermost object: key, item, place in the file.

    Only one block of the file and one item are in memory at a time.
    """
    # Latin-1 has one character a byte, so that places in the text are places in the file.
    with path.open(encoding="latin-1", newline="") as file:
        text = _Window(file.read)
        text.expect("{")
        while text.peek() != "}":
            key = text.value()[0]
            text.expect(":")
            if text.peek() != "[":
                text.value()
            else:
                text.expect("[")
                while text.peek() != "]":
                    item, span = text.value()
                    yield key, item, span
                    text.skip(",")
                text.expect("]")
            text.skip(",")


class _Window:
    """A stretch of a long JSON text that moves forward."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._before = 0  # characters already dropped

    def peek(self) -> str:
        """The next character that is not a space."""
        while True:
            if match := NOT_SPACE.search(self._text, self._at):
                self._at = match.start()
                return match[0]
            self._at = len(self._text)
            if not self._more():
                raise ValueError("the text ends early")

    def skip(self, character: str) -> None:
        """Skip the character if it comes next."""
        if self.peek() == character:
            self._at += 1

    def expect(self, character: str) -> None:
        """Skip the character, which must come next."""
        if self.peek() != character:
            raise ValueError(f"{character} was expected")
        self._at += 1

    def value(self) -> tuple[Any, Span]:
        """The next value and its place."""
        self.peek()
        while True:
            with contextlib.suppress(ValueError):  # as long as the rest of the value is unread
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text):  # otherwise a number might continue
                    span = self._before + self._at, self._before + end
                    self._at = end
                    return value, span
            if not self._more():
                raise ValueError("the text ends early")

    def _more(self) -> bool:
        block = self._read(BLOCK)
        self._before += self._at
        self._text, self._at = self._text[self._at :] + block, 0
        return bool(block)


def decode(counts: str, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(H, W) mask from COCO's compressed run lengths, which go down the columns."""
    lengths: list[int] = []
    value = shift = 0
    for byte in counts.encode("ascii"):
        group = byte - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(size[1], size[0]).T
