"""What `tiny` learns from: VOC and COCO folders, one vocabulary, and what is behind VOC's objects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.errors import InputError

IGNORE = 255
NONE_OF_VOC = 254  # VOC's background: whatever it is, it is none of the 20 classes
VOC_SPELLING = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}

Ids = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Outline = tuple[int, list[tuple[int, int]]]  # our id, and corners in per cent of width and height


@dataclass(frozen=True)
class Picture:
    """An image with its label file and the table from the data set's ids to ours."""

    image: Path
    label: Path
    table: Ids

    def pixels(self) -> Image.Image:
        """RGB."""
        return _image(self.image)

    def ids(self) -> Ids:
        """Our ids, (H, W)."""
        return self.table[_label(self.label)]


@cache
def _image(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


@cache
def _label(path: Path) -> Ids:
    return np.asarray(Image.open(path))


def read_words(name: str, without: Collection[str] = ()) -> list[tuple[str, ...]]:
    """A list of labels with synonyms that ships beside this file, less those whose first is in `without`."""
    words = [tuple(w.strip() for w in line.split("|")) for line in _lines(name)]
    if unknown := set(without) - {synonyms[0] for synonyms in words}:
        raise InputError(f"{name} has no word {min(unknown)!r} to leave out.")
    return [synonyms for synonyms in words if synonyms[0] not in without]


def read_scenes(words: list[tuple[str, ...]]) -> dict[str, list[int]]:
    """What `scenes.txt` says is behind the objects: stem of a VOC picture -> our ids."""
    ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
    rows = (line.split(":") for line in _lines("scenes.txt"))
    listed = {stem: [ids[w.strip()] for w in those.split(",") if w.strip() in ids] for stem, those in rows}
    return {stem: those for stem, those in listed.items() if those}


def read_outlines(words: list[tuple[str, ...]]) -> dict[str, list[Outline]]:
    """What `outlines.txt` says of the grounds of some VOC pictures, by their stems."""
    ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
    outlines: dict[str, list[Outline]] = {}
    for line in _lines("outlines.txt"):
        stem, _, those = line.partition(":")
        for one in those.split(";"):  # such as `wood floor 0,62 35,60 98,100`
            parts = one.split()
            corners = [part.partition(",") for part in parts if "," in part]
            word = " ".join(part for part in parts if "," not in part)
            if word in ids:
                outline = ids[word], [(int(x), int(y)) for x, _, y in corners]
                outlines.setdefault(stem, []).append(outline)
    return outlines


def read_kinds() -> dict[str, set[int]]:
    """Common words for classes of ImageNet: word -> numbers of the classes."""
    kinds: dict[str, set[int]] = {}
    for line in _lines("imagenet_kinds.txt"):
        word, _, ranges = line.partition(":")
        ends = [part.strip().partition("-") for part in ranges.split(",")]
        kinds[word] = {i for a, _, b in ends for i in range(int(a), int(b or a) + 1)}
    return kinds


def _lines(name: str) -> list[str]:
    text = files("projects.tiny").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_classes(root: Path) -> dict[int, str]:
    """`classes.txt`: an id and a name a line."""
    file = root / "classes.txt"
    if not file.is_file():
        raise InputError(
            f"{root} has no classes.txt: it should hold images/, labels/, classes.txt and held_out.txt."
        )
    rows = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {int(number): name.strip() for number, name in rows}


def read_pictures(root: Path, words: list[tuple[str, ...]], held_out: bool = False) -> list[Picture]:
    """The pictures of a folder to train on, or those that its `held_out.txt` names.

    Classes that are none of the words are ignored.
    """
    ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
    table = np.full(256, IGNORE, np.uint8)
    for number, name in read_classes(root).items():
        table[number] = NONE_OF_VOC if name == "background" else ids.get(VOC_SPELLING.get(name, name), IGNORE)
    kept = set((root / "held_out.txt").read_text(encoding="utf-8").split())
    return [
        Picture(image, root / "labels" / f"{image.stem}.png", table)
        for image in sorted((root / "images").iterdir())
        if (image.stem in kept) == held_out
    ]
