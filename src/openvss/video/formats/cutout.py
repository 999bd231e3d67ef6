"""`cutout/*.png`: the words cut out of each frame; everything else and the unlabelled is transparent.

An image gives `cutout.png`. The colours under what is transparent are black. Edges are hard: a resumed run,
which has no confidences of its earlier frames, gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.contract import Labelled, OutputPlan, frame_name
from openvss.video.formats.png import RGBA, png_bytes

FOLDER, PICTURE = "cutout", "cutout.png"


class CutoutWriter:
    """Writes a picture for each frame."""

    def __init__(self, plan: OutputPlan) -> None:
        self._folder = plan.folder / FOLDER
        self._folder.mkdir()
        self._scissors = Scissors(plan.classes)

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        (self._folder / frame_name(item.frame.index)).write_bytes(self._scissors.cut(item))

    def finish(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to close."""


class CutoutPicture:
    """Writes the one picture of an image."""

    def __init__(self, plan: OutputPlan) -> None:
        self._path = plan.folder / PICTURE
        self._scissors = Scissors(plan.classes)

    def add(self, item: Labelled) -> None:
        """Take the picture."""
        self._path.write_bytes(self._scissors.cut(item))

    def finish(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to close."""


class Scissors:
    """Cuts out the labels that were asked for."""

    def __init__(self, classes: Sequence[ClassInfo]) -> None:
        self._wanted = np.array([*(not c.rest for c in classes), False])

    def cut(self, item: Labelled) -> bytes:
        """The frame as an RGBA file."""
        wanted = np.take(self._wanted, item.labels.labels, mode="clip")  # "unlabelled" is clipped to the last
        height, width = wanted.shape
        opaque = np.asarray(Image.fromarray(item.frame.pixels).convert("RGBA")).view(np.uint32)[..., 0]
        cut = np.where(wanted, opaque, np.uint32(0))  # four bytes at once
        return png_bytes(cut.view(np.uint8).reshape(height, -1), width, bits=8, colour=RGBA)
