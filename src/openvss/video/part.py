"""A part of a video: from when to when, each how many-th frame, and how many at most."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from openvss.errors import InputError

Seconds = str | int | float | Fraction


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which frames of a video are wanted; all of them unless something is said.

    Attributes:
        start: Seconds after the first frame of the video at which the part begins.
        end: Seconds after the first frame of the video before which it ends.
        every: Of the frames in between, the first and each `every`-th after it.
        period: Instead of that, the first, and then the first one in each new period of so many seconds.
        max_frames: At most so many.

    Example:
        >>> import numpy as np, openvss
        >>> frames = [np.zeros((48, 64, 3), np.uint8)] * 60  # 15 a second; or "clip.mp4"
        >>> part = openvss.Part.of(start="0:01", end=3, every="0.5s")
        >>> source = openvss.open_source(frames, part=part)
        >>> [(frame.index, float(frame.time)) for frame in source]
        [(0, 1.0), (1, 1.5333333333333334), (2, 2.0), (3, 2.533333333333333)]
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    every: int = 1
    period: Fraction | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise InputError(
                f"The end, {clock(self.end)}, must be later than the start, {clock(self.start)}: "
                "check --start and --end."
            )

    @classmethod
    def of(
        cls,
        start: Seconds | None = None,
        end: Seconds | None = None,
        every: Seconds | None = None,
        max_frames: int | None = None,
    ) -> Part:
        """From what people write: times such as 65, "1:05" or "1:00:05.5"; `every` as in 10 or "1s"."""
        number, period = _every(every)
        if max_frames is not None and max_frames < 1:
            raise InputError(f"The number of frames (--max-frames) must be at least 1, not {max_frames}.")
        return cls(
            start=Fraction(0) if start is None else seconds("start", start),
            end=None if end is None else seconds("end", end),
            every=number,
            period=period,
            max_frames=max_frames,
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole video."""
        return self == Part()

    def count(self, frames: int, rate: Fraction) -> int:
        """How many frames of a video of constant rate are in the part, one at least."""
        first = -(-self.start * rate // 1)
        last = frames if self.end is None else min(frames, -(-self.end * rate // 1))
        step = self.every if self.period is None else max(self.period * rate, Fraction(1))
        found = max(1, int(-(-(last - first) // step)))
        return found if self.max_frames is None else min(found, self.max_frames)

    def settings(self) -> dict[str, object] | None:
        """For run.json; None if it is the whole video."""
        if self.is_whole:
            return None
        every = self.every if self.period is None else f"{self.period}s"
        end = None if self.end is None else str(self.end)
        return {"start": str(self.start), "end": end, "every": every, "max_frames": self.max_frames}

    def __str__(self) -> str:
        """Such as "at or after 1:05 (--start)"."""
        if self.end is None:
            return f"at or after {clock(self.start)} (--start)"
        return f"from {clock(self.start)} to before {clock(self.end)} (--start, --end)"


class Picker:
    """Decides about one frame after another, by its time.

    Args:
        part: What is wanted.
        origin: When the video begins; None for the time of the first frame asked about.

    Attributes:
        over: The part has ended: the last frame asked about, and all later ones, lie behind it.
        full: As many frames have been picked as are wanted.
    """

    def __init__(self, part: Part, origin: Fraction | None = None) -> None:
        self._part, self._origin = part, origin
        self._first: Fraction | None = None  # picked
        self._seen = self._picked = 0  # frames between start and end
        self._period = -1  # number of that of the last frame
        self.over = self.full = False

    def picks(self, time: Fraction) -> bool:
        """Whether the frame at this time is one of the part."""
        part = self._part
        self._origin = time if self._origin is None else self._origin
        passed = time - self._origin
        if passed < part.start:
            return False
        self.over = part.end is not None and passed >= part.end
        if self.over or not self._is_due(passed):
            return False
        self.over = self.full
        self._picked += 1
        self.full = self._picked == part.max_frames
        return not self.over

    def _is_due(self, passed: Fraction) -> bool:
        self._seen += 1
        if self._part.period is None:
            return (self._seen - 1) % self._part.every == 0
        self._first = passed if self._first is None else self._first
        before, self._period = self._period, int((passed - self._first) // self._part.period)
        return self._period > before


def seconds(name: str, given: Seconds) -> Fraction:
    """A time as people write it: 65, "65", "1:05", "1:00:05.5"."""
    if isinstance(given, Fraction) and given >= 0:
        return given
    text = str(given).strip()
    *larger, last = text.split(":")
    whole = all(re.fullmatch(r"\d{1,6}", part) for part in larger)
    if not whole or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", last) or not _fits(larger, last):
        raise InputError(f"The {name} (--{name}) is a time such as 65, 1:05 or 1:00:05.5, not {text[:40]!r}.")
    minutes = sum(int(part) * 60**place for place, part in enumerate(reversed(larger)))
    return 60 * minutes + Fraction(last)


def _fits(larger: list[str], last: str) -> bool:
    """Whether there are at most hours and minutes before the seconds, and nothing after them exceeds 59."""
    return len(larger) <= 2 and all(Fraction(part) < 60 for part in [*larger, last][1:])


def clock(time: Fraction) -> str:
    """A time as people read it: "5 s", "1:05", "1:00:05.5"."""
    whole, rest = divmod(time, 60)
    tail = f"{float(rest):.3f}".rstrip("0").rstrip(".")
    if not whole:
        return f"{tail} s"
    hours, minutes = divmod(int(whole), 60)
    padded = f"0{tail}" if rest < 10 else tail
    return f"{hours}:{minutes:02}:{padded}" if hours else f"{minutes}:{padded}"


def _every(given: Seconds | None) -> tuple[int, Fraction | None]:
    """Of so many frames one, or one in so many seconds."""
    text = "1" if given is None else str(given).strip()
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s?(s?)", text)
    if match and match[2] and Fraction(match[1]) > 0:
        return 1, Fraction(match[1])
    if match and not match[2] and "." not in match[1] and int(match[1]) >= 1:
        return int(match[1]), None
    raise InputError(f"--every is a number of frames such as 10, or seconds such as 0.5s, not {text[:40]!r}.")
