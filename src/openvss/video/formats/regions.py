"""The area, box and run lengths of every word in a label map, found in one pass down its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openvss.video.labelmap import Labels

Ints = npt.NDArray[np.int64]


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
        if np.any(self.starts // height != last // height):  # a run that goes on in the next column
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
