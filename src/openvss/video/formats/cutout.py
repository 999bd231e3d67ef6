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
from openvss.video.formats.masks import COMPRESSION

FOLDER, PICTURE = "cutout", "cutout.png"
OPAQUE = 255


class CutoutWriter:
    """Writes a picture for each frame."""

    def __init__(self, plan: OutputPlan) -> None:
        self._folder = plan.folder / FOLDER
        self._folder.mkdir()
        self._scissors = Scissors(plan.classes)

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        picture = self._scissors.cut(item)
        picture.save(self._folder / frame_name(item.frame.index), compress_level=COMPRESSION)

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
        self._scissors.cut(item).save(self._path, compress_level=COMPRESSION)

    def finish(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to close."""


class Scissors:
    """Cuts out the labels that were asked for."""

    def __init__(self, classes: Sequence[ClassInfo]) -> None:
        self._alpha = np.array([*(0 if c.rest else OPAQUE for c in classes), 0], np.uint8)

    def cut(self, item: Labelled) -> Image.Image:
        """The frame as RGBA."""
        alpha = np.take(self._alpha, item.labels.labels, mode="clip")  # "unlabelled" is clipped to the last
        picture = np.empty((*alpha.shape, 4), np.uint8)
        np.bitwise_and(item.frame.pixels, alpha[..., None], out=picture[..., :3])  # all bits or none
        picture[..., 3] = alpha
        return Image.fromarray(picture)
