"""Exact timestamps that never stand still."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

from av import VideoFrame

from openvss.errors import BrokenVideoError
from openvss.video.frame import Frame

DEFAULT_RATE = Fraction(15)


class Clock:
    """Gives each frame of a stream its time, in seconds since the stream's own zero.

    A frame without a timestamp follows the one before it by its duration, else by one frame at `rate`. Broken
    files repeat or step back in time: such a frame is moved to one tick after the one before it.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None) -> None:
        self._tick = time_base
        self._step = 1 / (rate or DEFAULT_RATE)
        self._last: Fraction | None = None
        self.next = Fraction(0)  # where the coming frame is expected

    def stamp(self, frame: VideoFrame) -> tuple[Fraction, Fraction | None]:
        """Time and, where the container gives it, duration."""
        time = self.next if frame.pts is None else frame.pts * self._tick
        if self._last is not None and time <= self._last:
            time = self._last + self._tick
        duration = frame.duration * self._tick if frame.duration else None
        self._last, self.next = time, time + (duration or self._step)
        return time, duration


def measured_durations(frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """The same frames, each lasting until the next one; the last keeps what the container says.

    Containers state one duration for all, or in the order of decoding: both wrong where the rate varies.
    """
    held: Frame | None = None
    try:
        for frame in frames:
            if held is not None:
                yield replace(held, duration=frame.time - held.time)
            held = frame
    except BrokenVideoError:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield held
