"""The best and the worst frames, chosen while a data set is scored, and the pictures of them.

The choice depends on scores alone, never on the order of work or on where a run was interrupted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from openvss.data.base import Clip, Ids
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.base import ScoredFrame
from openvss.evaluation.pictures.frames import Shown, draw_frames
from openvss.video.colours import colours_for
from openvss.video.images import read_image

PICKED = 3  # frames of each kind
STRETCH = 30  # only the best and the worst of so many labelled frames of a video compete
FILES = ("best.png", "worst.png")


@dataclass(frozen=True, eq=False)
class PickedFrame:
    """A frame that may be shown: which video, which frame, how good, and the ids it was given."""

    video: int
    frame: int
    score: float
    prediction: Ids


@dataclass
class FramePicks:
    """The choice among what it was offered; merging the choices of parts gives the choice of the whole."""

    best: list[PickedFrame] = field(default_factory=list)
    worst: list[PickedFrame] = field(default_factory=list)
    _stretch: Sequence[PickedFrame] = ()  # its best and its worst frame
    _seen: int = 0

    def add(self, frame: ScoredFrame, score: float) -> None:
        """Take the next labelled frame of a video; one without a score (nothing counts) is not shown."""
        if self._seen % STRETCH == 0:
            self.finish()
        self._seen += 1
        if np.isnan(score):
            return
        picked = PickedFrame(frame.video, frame.index, score, frame.prediction)
        best = min([*self._stretch[:1], picked], key=_best_first)
        worst = min([*self._stretch[1:], picked], key=_worst_first)
        self._stretch = (best, worst)

    def finish(self) -> None:
        """Let the best and the worst frame of the last stretch compete with the others."""
        self.merge(FramePicks(list(self._stretch[:1]), list(self._stretch[1:])))
        self._stretch = ()

    def merge(self, other: FramePicks) -> None:
        """Choose among both."""
        self.best = heapq.nsmallest(PICKED, [*self.best, *other.best], _best_first)
        self.worst = heapq.nsmallest(PICKED, [*self.worst, *other.worst], _worst_first)

    def prune(self, earlier: FramePicks) -> None:
        """Keep only those that would be chosen among the earlier ones as well."""
        both = FramePicks([*earlier.best], [*earlier.worst])
        both.merge(self)
        kept = {id(picked) for picked in (*both.best, *both.worst)}
        self.best = [picked for picked in self.best if id(picked) in kept]
        self.worst = [picked for picked in self.worst if id(picked) in kept]

    def state(self) -> dict[str, Any]:
        """Everything by name: arrays, and plain data for JSON."""
        found: dict[str, Any] = {}
        for kind, chosen in (("best", self.best), ("worst", self.worst)):
            found[kind] = [[picked.video, picked.frame, picked.score] for picked in chosen]
            found |= {f"{kind}{place}": picked.prediction for place, picked in enumerate(chosen)}
        return found

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        return cls(_picked("best", state), _picked("worst", state))

    def pictures(self, folder: Path, task: Task, measure: str, title: str) -> Iterator[tuple[str, str]]:
        """Draw them; `measure` says what their scores are."""
        names = task.rules.class_names(task.words)
        shown = {(picked.video, picked.frame) for picked in self.best}
        worst = [picked for picked in self.worst if (picked.video, picked.frame) not in shown]
        for file, kind, chosen in zip(FILES, ("Best", "Worst"), (self.best, worst), strict=True):
            if chosen:
                rows = [_shown(task, picked, measure) for picked in chosen]
                picture = draw_frames(rows, names, colours_for(names), f"{kind} frames · {title}")
                picture.save(folder / file)
                yield file, f"{kind} frames"


def _picked(kind: str, state: Mapping[str, Any]) -> list[PickedFrame]:
    return [
        PickedFrame(video, frame, score, state[f"{kind}{place}"])
        for place, (video, frame, score) in enumerate(state[kind])
    ]


def _shown(task: Task, picked: PickedFrame, measure: str) -> Shown:
    clip = task.dataset.clips[picked.video]
    where = clip.name if len(clip.frames) == 1 else f"{clip.name} · frame {picked.frame}"
    return Shown(
        title=f"{where} · {measure} {100 * picked.score:.1f} %",
        pixels=read_image(clip.frames[picked.frame]),
        truth=task.truth_in_words(clip, picked.frame),
        prediction=picked.prediction,
        wrong=_wrong(task, clip, picked),
    )


def _wrong(task: Task, clip: Clip, picked: PickedFrame) -> npt.NDArray[np.bool_]:
    """The pixels that count and are wrong."""
    truth = task.truth(clip, picked.frame)
    counted = truth != task.dataset.ignore
    named = task.object_of(clip)
    if named is None:
        return counted & (truth != picked.prediction)
    identity, words = named
    return counted & (np.isin(picked.prediction, words) != (truth == identity))


def _best_first(picked: PickedFrame) -> tuple[float, int, int]:
    return -picked.score, picked.video, picked.frame


def _worst_first(picked: PickedFrame) -> tuple[float, int, int]:
    return picked.score, picked.video, picked.frame
