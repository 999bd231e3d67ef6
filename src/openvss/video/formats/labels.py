"""`labels.mkv`: the label ids as a lossless FFV1 video, grey values being ids (8 or 16 bits).

Matroska counts in milliseconds, so timestamps are the frames' own to the nearest one; the exact ones are in
`stats.csv`.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorRange

from openvss.video.formats.contract import Labelled, OutputPlan
from openvss.video.formats.encoding import TickClock, require_codec_size
from openvss.video.formats.style import OverlayStyle
from openvss.video.labelmap import label_dtype

PRODUCT = "labels.mkv"
CODEC: Final = "ffv1"
# Every frame on its own, so that players can jump to it.
OPTIONS = {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}


def require_size(size: tuple[int, int], style: OverlayStyle) -> None:
    """InputError if no label video can have it."""
    require_codec_size("labels", CODEC, "gray", size, OPTIONS)


class LabelVideo:
    """Encodes label maps without loss."""

    def __init__(self, plan: OutputPlan) -> None:
        rate = plan.source.rate
        self._pixels = "gray" if label_dtype(len(plan.classes)) is np.uint8 else "gray16le"
        self._clock = TickClock(Fraction(1, 1000), rate)
        self._file = av.open(
            str(plan.folder / PRODUCT), "w", format="matroska", options={"fflags": "+bitexact"}
        )
        stream = self._file.add_stream(CODEC, rate=rate or Fraction(25), options=OPTIONS)
        stream.width, stream.height = plan.source.size
        stream.pix_fmt = self._pixels
        stream.time_base = self._clock.time_base
        stream.codec_context.time_base = self._clock.time_base
        stream.codec_context.color_range = ColorRange.JPEG
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= Flags.bitexact
        self._stream = stream

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        frame = av.VideoFrame.from_ndarray(item.labels.labels.copy(), format=self._pixels)
        frame.time_base = self._clock.time_base
        frame.pts, frame.duration = self._clock.stamp(item.frame)
        frame.color_range = ColorRange.JPEG
        self._file.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Complete the file."""
        self._file.mux(self._stream.encode(None))
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(Exception):
            self._file.close()
