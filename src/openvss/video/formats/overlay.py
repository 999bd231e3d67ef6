"""`overlay.mp4`: the video with its labels drawn over it and the source's audio, as H.264 that browsers play.

Frames keep their exact timestamps and the file its frame count and duration. Time 0 of the overlay is where
the source begins, with picture or sound, so that both stay together. An image gives `overlay.png`.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from PIL import Image

from openvss.video.formats.audio import open_audio, reopen
from openvss.video.formats.contract import Labelled, OutputPlan
from openvss.video.formats.encoding import TickClock, require_codec_size, time_base
from openvss.video.formats.painter import Painter
from openvss.video.formats.style import OverlayStyle

VIDEO = "overlay.mp4"
PICTURE = "overlay.png"
# No B-frames: decoding order is display order, so MP4 stores timestamps and the last duration exactly.
# No macroblock tree: x264's reads memory that was never written, so bytes would differ from run to run.
CODEC: Final = "libx264"
PIXELS = "yuv420p"
OPTIONS = {"preset": "veryfast", "crf": "22", "bf": "0", "mbtree": "0"}
THREADS = 4  # fixed, because the bytes depend on it
SECONDS_BETWEEN_KEY_FRAMES = 2  # the most that a viewer's jump costs
MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}


def require_size(size: tuple[int, int], style: OverlayStyle) -> None:
    """InputError if no overlay video of frames of this size can be made."""
    require_codec_size("overlay", CODEC, PIXELS, _even_size(style.canvas(size)), OPTIONS)


class OverlayPicture:
    """Draws the one frame of an image."""

    def __init__(self, plan: OutputPlan) -> None:
        self._path = plan.folder / PICTURE
        self._painter = Painter(plan.classes, plan.source.size, plan.style)

    def add(self, item: Labelled) -> None:
        """Take the picture."""
        Image.fromarray(self._painter.paint(item)).save(self._path)

    def finish(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to close."""


class OverlayVideo:
    """Draws, encodes and muxes."""

    def __init__(self, plan: OutputPlan) -> None:
        self._source = plan.source
        self._size = plan.style.canvas(plan.source.size)
        self._painter = Painter(plan.classes, plan.source.size, plan.style)
        self._original = reopen(plan.source.path)
        self._audio = open_audio(self._original) if self._original else None
        self._file = av.open(str(plan.folder / VIDEO), "w", format="mp4", options=MUXER)
        self._track: tuple[VideoStream, TickClock] | None = None
        self._durations: deque[int] = deque()  # of the frames inside the encoder, which forgets them

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        if self._track is None:
            self._track = self._begin(item.frame.time)
        stream, clock = self._track
        frame = to_yuv(_even(self._painter.paint(item)))
        frame.time_base = clock.time_base
        frame.pts, frame.duration = clock.stamp(item.frame)
        if self._audio:
            for packet in self._audio.until(frame.pts * clock.time_base):
                self._file.mux(packet)
        self._durations.append(frame.duration)
        self._mux(stream.encode(frame))

    def finish(self) -> None:
        """Complete the file."""
        if self._track:
            self._mux(self._track[0].encode(None))
        if self._audio:
            for packet in self._audio.until(None):
                self._file.mux(packet)
        self._file.close()
        self._close_source()

    def abandon(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(Exception):
            self._file.close()
        self._close_source()

    def _mux(self, packets: Iterable[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            packet.duration = self._durations.popleft()
            self._file.mux(packet)

    def _begin(self, first: Fraction) -> tuple[VideoStream, TickClock]:
        origin = min(first, self._audio.start) if self._audio else first
        video = self._original.streams.video[0] if self._original and self._original.streams.video else None
        rate = self._source.rate
        clock = TickClock(time_base(video.time_base if video else None, rate), rate, origin)
        stream = _video_stream(self._file, self._size, rate, clock)
        if video:
            _keep_pixel_shape(video, stream, self._source.size)
        if self._audio:
            self._audio.attach(self._file, origin)
        return stream, clock

    def _close_source(self) -> None:
        if self._audio:
            self._audio.close()
        elif self._original:
            self._original.close()


def to_yuv(picture: npt.NDArray[np.uint8]) -> av.VideoFrame:
    """An RGB picture as limited-range BT.709 4:2:0, converted and tagged alike."""
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format=PIXELS,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_primaries=ColorPrimaries.BT709,
        dst_color_trc=ColorTrc.BT709,
    )


def _video_stream(
    file: OutputContainer, size: tuple[int, int], known_rate: Fraction | None, clock: TickClock
) -> VideoStream:
    rate = known_rate or Fraction(25)
    stream = file.add_stream(CODEC, rate=rate, options=OPTIONS)
    stream.width, stream.height = _even_size(size)
    stream.pix_fmt = PIXELS
    stream.time_base = clock.time_base
    context = stream.codec_context
    context.time_base = clock.time_base
    context.gop_size = max(1, round(SECONDS_BETWEEN_KEY_FRAMES * rate))
    context.thread_count = THREADS
    context.flags |= Flags.bitexact
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    return stream


def _keep_pixel_shape(original: VideoStream, stream: VideoStream, size: tuple[int, int]) -> None:
    """Pixels that are not square stay so; a clip that was turned upright has them turned as well."""
    shape = original.sample_aspect_ratio
    if shape and shape != 1:
        turned = size == (original.height, original.width)
        stream.codec_context.sample_aspect_ratio = 1 / shape if turned else shape


def _even_size(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] + size[0] % 2, size[1] + size[1] % 2


def _even(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """4:2:0 needs even sizes: the last row and column are repeated where they are not."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return picture
