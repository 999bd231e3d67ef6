"""What the video formats share: the sizes that an encoder takes, and timestamps as containers store them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import av
from av.error import FFmpegError

from openvss.errors import InputError
from openvss.video.frame import Frame

FINEST = 1_000_000  # ticks per second that an MP4 track is given at most


def require_codec_size(
    name: str, codec: str, pixels: str, size: tuple[int, int], options: Mapping[str, str]
) -> None:
    """InputError if the encoder of format `name` refuses frames of this width and height."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base, encoder.options = pixels, Fraction(1, 1000), dict(options)
    try:
        encoder.open()
    except FFmpegError as error:
        raise InputError(
            f"The format {name} cannot have frames of {size[0]}x{size[1]}: leave it out of --format."
        ) from error


class TickClock:
    """Counts in ticks of `time_base` seconds from `origin`; no two frames share a tick."""

    def __init__(self, time_base: Fraction, rate: Fraction | None, origin: Fraction = Fraction(0)) -> None:
        self.time_base = time_base
        self._origin = origin
        self._usual = 1 / rate if rate else None
        self._last: int | None = None
        self._step = 1

    def stamp(self, frame: Frame) -> tuple[int, int]:
        """Timestamp and duration of the next frame, in ticks."""
        ticks = self.ticks(frame.time - self._origin)
        if self._last is not None:
            ticks = max(ticks, self._last + 1)
            self._step = ticks - self._last
        self._last = ticks
        duration = frame.duration or self._usual
        return ticks, max(1, self.ticks(duration)) if duration else self._step

    def ticks(self, seconds: Fraction) -> int:
        """Seconds in ticks, to the nearest."""
        return round(seconds / self.time_base)


def time_base(source: Fraction | None, rate: Fraction | None) -> Fraction:
    """Ticks in which frame times are whole numbers: the source's own, or fine ones made from its rate."""
    if source and source.denominator <= FINEST:
        return source
    if rate and rate.numerator <= FINEST:
        return Fraction(1, rate.numerator if rate.numerator >= 1000 else rate.numerator * 1000)
    return Fraction(1, 90_000)
