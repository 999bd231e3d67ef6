"""A few frames of an input, spread over it and quickly found: for a preview, not for results."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

from av.error import FFmpegError

from openvss.errors import BrokenVideoError
from openvss.video.decoding import frame_count, frame_rate, open_container, video_stream
from openvss.video.frame import Frame
from openvss.video.images import ImageSequence
from openvss.video.part import Part
from openvss.video.pixels import ResizeNote, RGBConverter
from openvss.video.sources import Source
from openvss.video.spread import Spread, evenly

SHORT = 150  # frames: as quickly decoded as jumped over


def glance(source: Source, wanted: int) -> list[Frame]:
    """At most so many frames of the input, or of the part of it that was asked for.

    Long videos are entered at their key frames. Of a camera or stream this is the first frame alone.
    """
    if source.kind in ("camera", "stream"):
        return list(islice(source, 1))
    if isinstance(source, ImageSequence):
        return [source.frame(index) for index in evenly(list(range(source.n_frames)), wanted)]
    if source.path is not None and source.n_frames and source.n_frames > SHORT:
        found = list(_entered(source.path, source, wanted))
        if len(found) > 1:
            return found
    return _all(source, wanted)


def _all(source: Source, wanted: int) -> list[Frame]:
    spread: Spread[Frame] = Spread(wanted)
    try:
        for frame in source:
            if spread.wants_next():
                spread.keep(frame)
    except BrokenVideoError:
        if not spread.picked():
            raise
    return spread.picked()


def _entered(path: Path, source: Source, wanted: int) -> Iterator[Frame]:
    """Frames near evenly spread times; none if the length is unknown or the container cannot be entered."""
    with open_container(str(path.absolute())) as container:
        stream = video_stream(container, source.name)
        stream.thread_type = "AUTO"
        count, rate, base = frame_count(container, stream), frame_rate(stream), stream.time_base
        if not count or not rate or not base:
            return
        origin = (stream.start_time or 0) * base
        begin, end = _window(source.part, count / rate, rate)
        gap, last = (end - begin) / wanted, None
        convert = RGBConverter(ResizeNote(source.name), source.size)
        for number in range(wanted):
            target = origin + begin + (number + Fraction(1, 2)) * gap
            try:
                container.seek(int(target / base), stream=stream)
                timed = ((f.pts * base, f) for f in container.decode(stream) if f.pts is not None)
                time, near = next(one for one in timed if one[0] >= target - gap / 2)
            except (FFmpegError, StopIteration):
                continue
            if time != last:
                last = time
                yield Frame(number, time, convert(near))


def _window(part: Part, length: Fraction, rate: Fraction) -> tuple[Fraction, Fraction]:
    """From when to when the part lasts, at most."""
    end = length if part.end is None else min(part.end, length)
    if part.max_frames is not None:
        step = part.period or Fraction(part.every) / rate
        end = min(end, part.start + part.max_frames * step)
    return part.start, max(end, part.start)
