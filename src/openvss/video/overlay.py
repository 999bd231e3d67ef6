"""Drawing: each word's colour over the frame, a fine line around regions, and the legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.video.formats.classes import ClassInfo, colour_table
from openvss.video.formats.contract import Labelled
from openvss.video.labelmap import Labels
from openvss.video.legend import Legend

TINT = 128  # of 256: how much of a pixel is the word's colour
LINE_LIGHT = 96  # of 256: how much lighter the line between regions is than what it lies on

Picture = npt.NDArray[np.uint8]


class Painter:
    """Draws the labels of frames of one size."""

    def __init__(self, classes: Sequence[ClassInfo], size: tuple[int, int], *, legend: bool) -> None:
        # What a word adds to a pixel; the last row, nothing, is for "unlabelled".
        tint = (colour_table(classes).astype(np.uint16) * TINT) >> 8
        self._tints = np.append(tint, [[0, 0, 0]], axis=0).astype(np.uint8)
        self._legend = Legend(classes, size) if legend else None

    def paint(self, item: Labelled) -> Picture:
        """The frame with its labels drawn over it, (H, W, 3) RGB."""
        labels, pixels = item.labels.labels, item.frame.pixels
        # Both parts are rounded down, so their sum fits into a byte.
        picture = (pixels.astype(np.uint16) * (256 - TINT) >> 8).astype(np.uint8) + self._tint(labels)
        if item.counts[-1]:
            np.copyto(picture, pixels, where=(labels == item.labels.unlabelled)[..., None])
        _draw_lines(picture, labels)
        if self._legend:
            self._legend.draw(picture, item.counts)
        return picture

    def _tint(self, labels: Labels) -> Picture:
        if labels.dtype != np.uint8:
            return np.take(self._tints, labels, axis=0, mode="clip")  # clips "unlabelled" to the last row
        image = Image.fromarray(labels)
        image.putpalette(self._tints[:-1].tobytes().ljust(3 * 256, b"\0"))
        return np.asarray(image.convert("RGB"))


def _draw_lines(picture: Picture, labels: Labels) -> None:
    """Lighten the first pixels of a region, to the right of and below another one."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, 1:] = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    places = np.flatnonzero(edge)
    flat = picture.reshape(-1, 3)
    colours = flat[places].astype(np.uint16)
    flat[places] = (colours + ((255 - colours) * LINE_LIGHT >> 8)).astype(np.uint8)
