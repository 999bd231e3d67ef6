"""What is kept for the pictures of a report: the best and worst frames and the videos that flicker most.

The choice depends on scores alone, never on the order of work or on where a run was interrupted.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from openvss.data.base import Ids

SHOWN = 3  # pictures of each kind
STRETCH = 30  # of so many labelled frames of a video only the best and the worst one compete


@dataclass(frozen=True, eq=False)
class Look:
    """A frame that may be shown: which video, which frame, how good, and the ids it was given."""

    video: int
    frame: int
    score: float
    prediction: Ids


@dataclass(frozen=True, eq=False)
class FlickerLook:
    """A video that may be shown; `changed` and `still` as `Flicker` counts them.

    Attributes:
        video: Its number in the data set.
        score: Share of still pixels that changed their word.
        changed: (H, W).
        still: (H, W).
        steps: (steps, 2).
    """

    video: int
    score: float
    changed: npt.NDArray[np.uint32]
    still: npt.NDArray[np.uint32]
    steps: npt.NDArray[np.int64]


@dataclass
class Looks:
    """The choice among what it was offered; merging the choices of parts gives the choice of the whole."""

    best: list[Look] = field(default_factory=list)
    worst: list[Look] = field(default_factory=list)
    flicker: list[FlickerLook] = field(default_factory=list)

    def merge(self, other: Looks) -> None:
        """Choose among both."""
        self.best = heapq.nsmallest(SHOWN, [*self.best, *other.best], _best_first)
        self.worst = heapq.nsmallest(SHOWN, [*self.worst, *other.worst], _worst_first)
        self.flicker = heapq.nsmallest(SHOWN, [*self.flicker, *other.flicker], lambda v: (-v.score, v.video))

    def without_losers(self, rivals: Looks) -> Looks:
        """Only those that would be chosen among the rivals as well: the rest need not be stored."""
        both = Looks([*rivals.best], [*rivals.worst], [*rivals.flicker])
        both.merge(self)
        kept = {id(look) for look in (*both.best, *both.worst, *both.flicker)}
        return Looks(
            [look for look in self.best if id(look) in kept],
            [look for look in self.worst if id(look) in kept],
            [look for look in self.flicker if id(look) in kept],
        )


class VideoLooks:
    """Watches one video and keeps its best and worst frames, however long it is."""

    def __init__(self, video: int) -> None:
        self._video = video
        self._looks = Looks()
        self._stretch: Sequence[Look] = ()
        self._seen = 0

    def add(self, frame: int, score: float, prediction: Ids) -> None:
        """Take the next labelled frame; without a score (nothing counted in it) it is not shown."""
        if self._seen % STRETCH == 0:
            self._close()
        self._seen += 1
        if np.isnan(score):
            return
        look = Look(self._video, frame, score, prediction)
        best = min([*self._stretch[:1], look], key=_best_first)
        worst = min([*self._stretch[1:], look], key=_worst_first)
        self._stretch = (best, worst)

    def finish(self) -> Looks:
        """The choice, after the last frame."""
        self._close()
        return self._looks

    def _close(self) -> None:
        self._looks.merge(Looks(list(self._stretch[:1]), list(self._stretch[1:])))
        self._stretch = ()


def _best_first(look: Look) -> tuple[float, int, int]:
    return -look.score, look.video, look.frame


def _worst_first(look: Look) -> tuple[float, int, int]:
    return look.score, look.video, look.frame
