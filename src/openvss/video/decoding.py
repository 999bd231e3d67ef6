"""Opening a video with PyAV and taking its frames out, damaged or not, with times that always increase."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import av
from av.container.input import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from openvss.errors import BrokenVideoError, InputError
from openvss.video.frame import Frame
from openvss.video.jump import Jump, packets_from

DEFAULT_RATE = Fraction(15)
# Demuxers that turn any text into something: not what a person means by a video.
NOT_VIDEO = {"tty"}
MICROSECONDS = 1_000_000
# Where the frames of a file that was cut short end.
Cut = Literal["at the incomplete packet", "at the last packet"]
# More than any decoder holds back at its end, in its threads and for reordering.
IN_FLIGHT = 48


def open_container(
    address: str,
    *,
    format: str | None = None,
    options: dict[str, str] | None = None,
    timeout_s: float | None = None,
) -> InputContainer:
    """`av.open` for reading; raises FFmpegError or ValueError as PyAV does."""
    # Metadata in another encoding than UTF-8 must not make a film unreadable.
    return av.open(address, format=format, options=options, timeout=timeout_s, metadata_errors="replace")


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The stream to show, which a cover picture is not; InputError if there is none."""
    films = [
        stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic
    ]
    if not films or container.format.name in NOT_VIDEO:
        has_audio = bool(container.streams.audio)
        raise InputError(
            f"{name} has no video{', only sound' if has_audio else ''}; give a file with a picture."
        )
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in films else films[0]
    if not stream.codec_context:
        raise InputError(
            f"{name} is in a video format that this build of PyAV cannot decode; convert it to H.264."
        )
    return stream


def frame_rate(stream: VideoStream) -> Fraction | None:
    """Frames per second as the container states it; of raw streams without timestamps as the codec does."""
    rate = stream.guessed_rate if stream.start_time is None else stream.average_rate
    return rate or stream.guessed_rate or None


def frame_count(container: InputContainer, stream: VideoStream) -> int | None:
    """From the container's header, else estimated from its duration; None if neither is known."""
    if stream.frames:
        return stream.frames
    rate = frame_rate(stream)
    if stream.duration is not None and stream.time_base is not None:
        seconds = stream.duration * stream.time_base
    elif container.duration is not None:
        seconds = Fraction(container.duration, MICROSECONDS)
    else:
        return None
    return round(seconds * rate) if rate else None


def decode(
    container: InputContainer,
    stream: VideoStream,
    *,
    on_damage: Callable[[bool], None],
    cut: Cut | None = None,
    jump: Jump | None = None,
) -> Iterator[VideoFrame]:
    """Every frame that can be decoded, in order of display; with `jump` those from there on.

    `on_damage(True)` is called for each packet that cannot be decoded or whose frame the decoder had to
    patch, before that is given out. `on_damage(False)` is called near the end if packets among the last ones
    gave no frame: threaded decoders do not report damage there, but some healthy videos have packets that are
    not shown. It may raise. `cut` leaves out the incomplete packet at the end of a file that was cut short.

    Raises:
        FFmpegError: The container cannot be read further; every frame before that was given out.
    """
    sent: deque[int | None] = deque(maxlen=IN_FLIGHT)
    shown: deque[int | None] = deque([None], maxlen=2 * IN_FLIGHT)
    failure: FFmpegError | None = None
    try:
        for packet in _uncut(packets_from(container, stream, jump), cut):
            frames = _decoded(packet)
            if frames is None or any(frame.is_corrupt for frame in frames):
                on_damage(True)
            if not packet.is_discard:
                sent.append(packet.pts)
            shown.extend(frame.pts for frame in frames or ())
            yield from frames or ()
    except FFmpegError as error:
        failure = error
    held_back = _flushed(stream)
    shown.extend(frame.pts for frame in held_back)
    if not set(sent) <= set(shown):
        on_damage(False)
    yield from held_back
    if failure is not None:
        raise failure


def _uncut(packets: Iterator[Packet[VideoStream]], cut: Cut | None) -> Iterator[Packet[VideoStream]]:
    held: Packet[VideoStream] | None = None
    for packet in packets:
        if cut == "at the incomplete packet" and packet.is_corrupt:
            return
        if cut != "at the last packet" or not packet.size:  # an empty one flushes the decoder
            yield packet
            continue
        if held is not None:
            yield held
        held = packet


def _decoded(packet: Packet[VideoStream]) -> list[VideoFrame] | None:
    """The frames that this packet completes; None if it cannot be decoded."""
    with suppress(FFmpegError):
        return packet.decode()
    return None


def _flushed(stream: VideoStream) -> list[VideoFrame]:
    """The frames that the decoder still holds back after an early end; none after a regular one."""
    with suppress(FFmpegError):
        return stream.codec_context.decode(None)
    return []


def ignore_damage(is_certain: bool) -> None:
    """For `decode`: ignore damage."""


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


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame that is not wanted, or the end of the wanted part.

    Attributes:
        time: When it is shown.
        end: When the next one is expected.
        ends_last: Whether the wanted frame before it lasts no longer than until here.
    """

    time: Fraction
    end: Fraction
    ends_last: bool


def measured_durations(frames: Iterator[Frame | Passed]) -> Generator[Frame, None, None]:
    """The wanted frames, each lasting until the next one or the end of the part.

    The last one of a video keeps what the container says, or lasts until the end of those passed over after
    it. Containers state one duration for all, or in the order of decoding: both wrong where the rate varies.
    """
    held: Frame | None = None
    try:
        for frame in frames:
            if held is None:
                held = frame if isinstance(frame, Frame) else None
            elif isinstance(frame, Frame):
                yield replace(held, duration=frame.time - held.time)
                held = frame
            else:
                end = frame.time if frame.ends_last else frame.end
                held = replace(held, duration=end - held.time)
    except BrokenVideoError:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield held
