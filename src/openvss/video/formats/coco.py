"""What the two COCO formats share: ids, categories, regions, and a JSON file that grows on disk only."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.contract import Labelled, frame_name
from openvss.video.labelmap import Labels

Ints = npt.NDArray[np.int64]


def category_id(label: int) -> int:
    """The COCO id of a word: one more than its id in the masks, as COCO keeps 0 for "nothing"."""
    return label + 1


def categories(classes: Sequence[ClassInfo]) -> list[dict[str, object]]:
    """The words as COCO categories, all of them "stuff": regions, not objects."""
    return [
        {
            "id": category_id(c.id),
            "name": c.name,
            "supercategory": "stuff",
            "isthing": 0,
            "color": list(c.colour),
        }
        for c in classes
    ]


def image_entry(item: Labelled) -> dict[str, object]:
    """A frame as a COCO image; its id is the number of the frame."""
    height, width = item.labels.labels.shape
    index = item.frame.index
    name = frame_name(index)
    return {"id": index, "file_name": name, "width": width, "height": height, "time": str(item.frame.time)}


@dataclass(frozen=True, slots=True)
class Region:
    """All pixels of one word in one frame.

    Attributes:
        label: The id of the word.
        starts: Where its runs begin, counting pixels down the columns, as COCO does.
        ends: Where they end (one past the last pixel).
        shape: Height and width of the frame.
    """

    label: int
    starts: Ints
    ends: Ints
    shape: tuple[int, int]

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int((self.ends - self.starts).sum())

    @property
    def bbox(self) -> list[int]:
        """The smallest box around it: left, top, width, height."""
        height = self.shape[0]
        last = self.ends - 1
        left, right = int(self.starts[0] // height), int(last[-1] // height)
        if np.any(self.starts // height != last // height):  # a run that continues in the next column
            top, bottom = 0, height - 1
        else:
            top, bottom = int((self.starts % height).min()), int((last % height).max())
        return [left, top, right - left + 1, bottom - top + 1]


def regions(labels: Labels, unlabelled: int) -> list[Region]:
    """The regions of all words in the frame, in the order of their ids."""
    height, width = labels.shape
    flat = labels.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [flat.size]])
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    ids, firsts = np.unique(values[order], return_index=True)
    return [
        Region(label=int(label), starts=starts[runs], ends=ends[runs], shape=(height, width))
        for label, runs in zip(ids, np.split(order, firsts[1:]), strict=True)
        if label != unlabelled
    ]


class CocoFile:
    """A COCO JSON file, written frame by frame.

    Both of its long lists, annotations and images, grow at once, so the images wait in a second file.
    """

    def __init__(self, path: Path, classes: Sequence[ClassInfo]) -> None:
        self._images_path = path.with_suffix(".images")
        self._annotations = path.open("w", encoding="utf-8", newline="\n")
        self._images = self._images_path.open("w+", encoding="utf-8", newline="\n")
        self._annotations.write(f'{{"categories": {_json(categories(classes))},\n"annotations": [')
        self._images.write('],\n"images": [')
        self._separators = {self._annotations: "\n", self._images: "\n"}

    def add(self, image: Mapping[str, object], annotations: Sequence[Mapping[str, object]]) -> None:
        """Take a frame and what is in it."""
        for file, entries in ((self._images, [image]), (self._annotations, annotations)):
            for entry in entries:
                file.write(self._separators[file] + _json(entry))
                self._separators[file] = ",\n"

    def finish(self) -> None:
        """Join the two lists."""
        self._images.seek(0)
        shutil.copyfileobj(self._images, self._annotations)
        self._annotations.write("]}\n")
        self._annotations.close()
        self._images.close()
        self._images_path.unlink()

    def abandon(self) -> None:
        """Close both files as they are."""
        for file in (self._annotations, self._images):
            with contextlib.suppress(OSError):
                file.close()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
