"""From decoded or stored pixels to one form: upright (H, W, 3) uint8 RGB, transparency over black."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.sidedata.sidedata import SideData
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

Pixels = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)

UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
SCALING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND


class Orientation(NamedTuple):
    """How to turn stored pixels upright: first swap rows and columns, then mirror each axis."""

    transposed: bool = False
    mirrored: bool = False
    upended: bool = False

    def apply(self, pixels: Pixels) -> Pixels:
        """The upright picture, contiguous in memory."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        if self.upended:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


class ResizeNote:
    """Says once that frames of a source are rescaled."""

    def __init__(self, name: str) -> None:
        self._name, self._is_told = name, False

    def __call__(self, first: tuple[int, int], now: tuple[int, int]) -> None:
        """Take the size of the first frame, and that of a frame which differs."""
        if not self._is_told:
            log.warning(
                "%s changes its size from %dx%d to %dx%d: all frames are labelled, at the first size.",
                *(self._name, *first, *now),
            )
            self._is_told = True


class RGBConverter:
    """Converts the frames of one video, all to the size of the first, upright.

    A video that changes size on the way (calls, adaptive streams) is rescaled to its first frame's size, as
    players do, so that all its results have one size. Transparency is composited over black: what lies under
    it is arbitrary. HDR is converted by its matrix, without tone mapping.
    """

    def __init__(self, note: ResizeNote, size: tuple[int, int] | None = None) -> None:
        self.size = size
        self._note = note
        self._reformatter = VideoReformatter()
        self._turns: dict[int, Orientation] = {}

    def __call__(self, frame: VideoFrame) -> Pixels:
        """The frame's pixels; the first call fixes `size`."""
        turn = self._turn(frame)
        if self.size is None:
            self.size = _swapped(frame.width, frame.height, turn.transposed)
        width, height = _swapped(*self.size, turn.transposed)
        if (frame.width, frame.height) != (width, height):
            self._note(self.size, _swapped(frame.width, frame.height, turn.transposed))
        has_alpha = any(component.is_alpha for component in frame.format.components)
        converted = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgba" if has_alpha else "rgb24",
            src_colorspace=_assumed_matrix(frame),
            interpolation=SCALING,
            threads=1,
        )
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        return turn.apply(over_black(pixels) if has_alpha else pixels)

    def _turn(self, frame: VideoFrame) -> Orientation:
        # Reading side data ties a frame into a reference cycle, which holds its memory until the garbage
        # collector comes by; so it is read once for each angle.
        angle = frame.rotation
        if angle not in self._turns:
            self._turns[angle] = _orientation(frame)
        return self._turns[angle]


def over_black(rgba: Pixels) -> Pixels:
    """(H, W, 4) composited over black: (H, W, 3)."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def _orientation(frame: VideoFrame) -> Orientation:
    """From the display matrix; turns by other than a multiple of 90 degrees go to the nearest one."""
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(side_data, SideData):
        return Orientation()
    # The matrix takes stored (x, y) to displayed (a x + c y, b x + d y).
    a, b, _, c, d = (int(v) for v in np.frombuffer(bytes(side_data), np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(mirrored=a < 0, upended=d < 0)
    return Orientation(transposed=True, mirrored=c < 0, upended=b < 0)


def _assumed_matrix(frame: VideoFrame) -> Colorspace | None:
    """What players assume where the file does not say: BT.709 for HD, BT.601 below; None if it does."""
    if frame.colorspace != UNTAGGED or frame.format.is_rgb:
        return None
    return Colorspace.ITU709 if frame.width >= 1280 or frame.height > 576 else Colorspace.ITU601


def _swapped(width: int, height: int, swap: bool) -> tuple[int, int]:
    return (height, width) if swap else (width, height)
