"""Cameras and network streams: inputs that can be read only once."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from av.container.input import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from openvss.errors import BrokenVideoError, InputError
from openvss.video.decoding import (
    Clock,
    decode,
    frame_count,
    frame_rate,
    ignore_damage,
    open_container,
    video_stream,
)
from openvss.video.frame import Frame
from openvss.video.part import Part, Picker
from openvss.video.pixels import ResizeNote, RGBConverter
from openvss.video.prefetch import prefetch

TIMEOUT_S = 15.0
# FFmpeg's capture format and what it calls camera number N.
CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("vfwcap", "{}")}


class LiveSource:
    """Frames as they arrive, with the timestamps they carry.

    Nothing is dropped here: a consumer that is slower than the source holds it up, and cameras then drop
    frames themselves, which their timestamps show. Frames that arrive damaged are patched or skipped
    silently, since a bad connection is no reason to stop.
    """

    path: Path | None = None
    files: tuple[Path, ...] = ()

    def __init__(
        self, kind: Literal["camera", "stream"], name: str, container: InputContainer, part: Part | None
    ) -> None:
        """Waits for the first frame, which tells the size."""
        self.kind, self.name, self.part = kind, name, part or Part()
        self._container = container
        self._stream = video_stream(container, name)
        # Decoding frames in parallel would delay each by several others.
        self._stream.thread_type = "SLICE"
        self.rate = frame_rate(self._stream)
        length = frame_count(container, self._stream)
        self.n_frames = self.part.count(length, self.rate) if length and self.rate else self.part.max_frames
        self._is_used_up = False
        frames = decode(container, self._stream, on_damage=ignore_damage)
        first = next(frames, None)
        if first is None:
            raise InputError(f"{name} sends no frame that can be decoded; check it with a video player.")
        self._convert = RGBConverter(ResizeNote(name))
        height, width = self._convert(first).shape[:2]
        self.size = (width, height)
        self._raw = chain([first], frames)

    def __iter__(self) -> Iterator[Frame]:
        if self._is_used_up:
            raise InputError(f"{self.name} is live and can be read only once; open it again.")
        self._is_used_up = True
        return prefetch(self._frames(self._raw, self._stream))

    def _frames(self, raw: Iterator[VideoFrame], stream: VideoStream) -> Generator[Frame, None, None]:
        assert stream.time_base is not None
        clock, picker, index = Clock(stream.time_base, self.rate), Picker(self.part), 0
        with self._container:
            try:
                for frame in raw:
                    time, duration = clock.stamp(frame)
                    if picker.picks(time):
                        yield Frame(index, time, self._convert(frame), duration)
                        index += 1
                    if picker.over or picker.full:
                        break
            except FFmpegError as error:
                raise BrokenVideoError(
                    f"{self.name} stopped at frame {index} ({float(clock.next):.3f} s): {_reason(error)}; "
                    "all frames before it were used, check the connection and start again for the rest."
                ) from error


def open_camera(number: str, part: Part | None = None) -> LiveSource:
    """Camera `number` of this computer."""
    format, address = CAMERAS.get(sys.platform, CAMERAS["linux"])
    try:
        container = open_container(address.format(number), format=format)
        return LiveSource("camera", f"camera {number}", container, part)
    except (FFmpegError, ValueError) as error:
        raise InputError(
            f"Camera {number} cannot be opened ({_reason(error)}); check that it is connected, not in use and"
            f" that you may use it, or write ./{number} for a file of that name."
        ) from error


def open_stream(address: str, part: Part | None = None) -> LiveSource:
    """A network address: RTSP, HTTP and whatever else FFmpeg supports."""
    name = re.sub(r"//[^/]*@", "//", address).partition("?")[0]  # keeps secrets out of messages and run.json
    # Over UDP, the default, a lost packet spoils the picture until the next key frame.
    options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else None
    try:
        container = open_container(address, options=options, timeout_s=TIMEOUT_S)
        return LiveSource("stream", name, container, part)
    except (FFmpegError, ValueError) as error:
        raise InputError(
            f"{name} cannot be read ({_reason(error)}); check the address and the network."
        ) from error


def _reason(error: FFmpegError | ValueError) -> str:
    reason = error.strerror if isinstance(error, FFmpegError) else str(error)
    return (
        "no answer in time" if reason == "Immediate exit requested" else (reason or "unknown error").lower()
    )
