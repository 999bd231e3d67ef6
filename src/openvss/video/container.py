"""A video file: anything that PyAV opens."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

from av.container.input import InputContainer
from av.error import FFmpegError

from openvss.errors import BrokenVideoError, InputError
from openvss.video.decoding import (
    Clock,
    Cut,
    Passed,
    decode,
    frame_count,
    frame_rate,
    ignore_damage,
    measured_durations,
    open_container,
    video_stream,
)
from openvss.video.frame import Frame
from openvss.video.images import SUFFIXES, is_webp
from openvss.video.jump import Jump, find_jump
from openvss.video.missing import Rhythm
from openvss.video.part import Part, Picker, clock
from openvss.video.pixels import ResizeNote, RGBConverter
from openvss.video.prefetch import prefetch
from openvss.video.truncation import is_cut_short, promised_end

log = logging.getLogger(__name__)

# A track may end a little before its tag says, for example after a cut without re-encoding: a second, or half
# of a shorter one. Less than that is worth a warning, from such a share of a frame on.
SHORTFALL = Fraction(1)
FRAMES_SHORT = Fraction(3, 4)

# In these FFmpeg does not tell which packet is incomplete: it is the last one.
UNTOLD = {"gif", "mpeg", "mpegts"}


class _DamagedError(Exception):
    """Something could not be decoded."""


class VideoFile:
    """Frames of a video file, or of a part of it; every iteration starts again from the first.

    Damage does not end the video: the frames that can still be decoded are given out, and a BrokenVideoError
    after the last frame says where the first damage is. A file that was cut short gives every frame before
    the break, then the same error. Damage outside a part is not noticed. Where only times suggest that frames
    are missing from a whole video, a warning says so once.
    """

    kind: Literal["video"] = "video"

    def __init__(self, path: Path, name: str, part: Part | None = None) -> None:
        """Opens the file and decodes one frame, so that what cannot be used is found before work starts.

        A part is numbered from 0; its frames have the times and pixels that they have in the whole video.
        """
        self.path, self.name, self.files = path, name, (path,)
        self.part = part or Part()
        self._jump: Jump | None = None
        self._is_cut = is_cut_short(path)
        self._note, self._is_warned = ResizeNote(name), False
        try:
            with open_container(self._address) as container:
                stream = video_stream(container, name)
                self._cut = _cut(container) if self._is_cut else None
                self.rate = frame_rate(stream)
                self.n_frames = frame_count(container, stream)
                self._promised_end = promised_end(container, stream)
                frames = decode(container, stream, on_damage=ignore_damage, cut=self._cut)
                first = next(frames, None)
                if first is None:
                    raise InputError(f"{name} holds no frame that can be decoded{self._hint}.")
                height, width = RGBConverter(self._note)(first).shape[:2]
                assert stream.time_base is not None
                self._origin, _ = Clock(stream.time_base, self.rate).stamp(first)
        except (FFmpegError, ValueError) as error:
            raise InputError(f"{name} cannot be read as a video or an image{self._hint}.") from error
        self.size = (width, height)
        if not self.part.is_whole:
            self._find_part()

    def __iter__(self) -> Iterator[Frame]:
        return prefetch(measured_durations(self._frames()))

    @property
    def _address(self) -> str:
        # FFmpeg takes "a:b.mp4" for a protocol named a, unless the path is absolute.
        return str(self.path.absolute())

    @property
    def _hint(self) -> str:
        if self._is_cut:
            return ": it was cut short; get a complete copy"
        if is_webp(self.path):
            return "; if it is an animated WebP, convert it to a GIF or a video"
        is_picture = self.path.suffix.lower() in SUFFIXES
        return f"; check it with {'an image viewer' if is_picture else 'a video player'}"

    def _find_part(self) -> None:
        """Where to begin, and about how many frames there are; an error if there is none."""
        if self.part.start:
            with open_container(self._address) as container:
                stream = video_stream(container, self.name)
                self._jump = find_jump(container, stream, self._origin + self.part.start)
        try:
            if next(measured_durations(self._frames()), None) is None:
                raise InputError(f"{self.name} has no frame {self.part}: {self._hint_at_length()}.")
        except BrokenVideoError as error:
            raise InputError(f"{self.name} has no frame {self.part}: {error}") from error
        if self.n_frames is not None and self.rate:
            self.n_frames = self.part.count(self.n_frames, self.rate)

    def _hint_at_length(self) -> str:
        if self.n_frames is None or not self.rate:
            return "choose another part"
        return f"it lasts {clock(Fraction(self.n_frames) / self.rate)}"

    def _frames(self) -> Generator[Frame | Passed, None, None]:
        """Decode on all cores; on damage start over on one, which alone tells exactly what was lost.

        With several threads an error hides up to one frame a thread before it, and how the decoder patches
        frames depends on which thread comes first.
        """
        n_done = 0
        try:
            for frame in self._pass(is_careful=False, n_skip=0):
                n_done += 1
                yield frame
        except _DamagedError:
            yield from self._pass(is_careful=True, n_skip=n_done)

    def _pass(self, *, is_careful: bool, n_skip: int) -> Generator[Frame | Passed, None, None]:
        damage: list[tuple[int, Fraction]] = []

        def on_damage(is_certain: bool) -> None:
            if not is_careful:
                raise _DamagedError
            if is_certain:
                damage.append((index, times.next))

        with open_container(self._address) as container:
            stream = video_stream(container, self.name)
            assert stream.time_base is not None
            stream.thread_type = "AUTO"
            if is_careful:
                stream.codec_context.thread_count = 1
            times, convert = Clock(stream.time_base, self.rate), RGBConverter(self._note, self.size)
            picker, rhythm = Picker(self.part, self._origin), Rhythm(self.rate)
            index = number = 0  # of the frame in the part, and of all that were decoded
            time = self._origin
            try:
                for raw in decode(container, stream, on_damage=on_damage, cut=self._cut, jump=self._jump):
                    time, duration = times.stamp(raw)
                    rhythm.add(time)
                    picked = picker.picks(time)
                    if number >= n_skip:
                        passed = Passed(time, times.next, picker.over)
                        yield Frame(index, time, convert(raw), duration) if picked else passed
                    if picker.over:
                        break
                    number += 1
                    index += picked
            except FFmpegError as error:
                raise self._broken(index, times.next, "cannot be read beyond") from error
        self._check_end(index, times.next, damage, time if picker.over else None)
        if self.part.is_whole:
            self._warn_of_missing(rhythm, times.next)

    def _check_end(
        self, n_frames: int, end: Fraction, damage: list[tuple[int, Fraction]], part_end: Fraction | None
    ) -> None:
        """An error for damage up to the end of the part, and for an early end unless the part ended."""
        damage = [(index, time) for index, time in damage if part_end is None or time < part_end]
        if damage and not (self._is_cut and damage[0][0] == n_frames):
            raise self._broken(*damage[0], "is damaged at")
        if part_end is not None:
            return
        if self._is_cut:
            raise self._broken(n_frames, end, "was cut short at")
        promised = self._promised_end
        if promised is not None and end < promised - min(SHORTFALL, promised / 2):
            raise self._broken(n_frames, end, f"promises {float(promised):.3f} s but ends at")

    def _warn_of_missing(self, rhythm: Rhythm, end: Fraction) -> None:
        promised, step, gap = self._promised_end, rhythm.step, rhythm.gap()
        if self._is_warned:
            return
        if gap is not None:
            self._is_warned = True
            log.warning("%s has a gap after frame %d (%.3f s): frames may be missing there.", self.name, *gap)
        elif promised is not None and step is not None and end < promised - FRAMES_SHORT * step:
            self._is_warned = True
            log.warning(
                "%s promises %.3f s but ends at %.3f s: frames may be missing.", self.name, promised, end
            )

    def _broken(self, index: int, time: Fraction, what: str) -> BrokenVideoError:
        return BrokenVideoError(
            f"{self.name} {what} frame {index} ({float(time):.3f} s); every frame that could be decoded was "
            "used, get an intact copy for the rest."
        )


def _cut(container: InputContainer) -> Cut:
    return "at the last packet" if container.format.name in UNTOLD else "at the incomplete packet"
