"""Label flicker: predictions that change from one frame to the next although the ground truth does not."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from openvss.data.base import Ids
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.base import Column, Metric, ScoredFrame
from openvss.evaluation.pictures.flicker import Flickering, draw_flicker
from openvss.video.images import read_image

MOST_STEPS = 1000  # even
PICKED = 3  # videos that are shown
TimesSeen = npt.NDArray[np.uint32]


class Flicker:
    """Watches one video frame by frame; keeps the last frame, two counts a pixel and a curve.

    Attributes:
        total: (still pixels whose word changed, still pixels) over the whole video. A pixel is still if its
            ground truth counts in both frames of a transition and is the same.
        steps: The same for each transition; in long videos for every 2, 4, 8, ... of them, so that there are
            never more than `MOST_STEPS`.
    """

    def __init__(self, ignore: int) -> None:
        self.total = 0, 0
        self.steps: list[tuple[int, int]] = []
        self._each = 1  # transitions in a step
        self._left = 0  # how many more the last step takes
        self._changed, self._still = _Tally(), _Tally()
        self._ignore = ignore
        self._last: tuple[Ids, Ids] | None = None

    @property
    def changed(self) -> TimesSeen:
        """(H, W) how often each pixel changed while still."""
        return self._changed.counts

    @property
    def still(self) -> TimesSeen:
        """(H, W) how often it was still."""
        return self._still.counts

    def add(self, truth: Ids, prediction: Ids) -> None:
        """Take the next labelled frame."""
        if self._last is not None:
            still = (truth == self._last[0]) & (truth != self._ignore)
            changed = still & (prediction != self._last[1])
            self._still.add(still)
            self._changed.add(changed)
            self._step(int(np.count_nonzero(changed)), int(np.count_nonzero(still)))
        self._last = truth, prediction

    def skip(self) -> None:
        """The next frame has no ground truth: counting restarts after it."""
        self._last = None

    def _step(self, changed: int, still: int) -> None:
        self.total = _plus(self.total, (changed, still))
        if not self._left:
            if len(self.steps) == MOST_STEPS:
                self.steps = list(map(_plus, self.steps[::2], self.steps[1::2]))
                self._each *= 2
            self.steps.append((0, 0))
            self._left = self._each
        self.steps[-1] = _plus(self.steps[-1], (changed, still))
        self._left -= 1


class _Tally:
    """How often each pixel was marked: counts in bytes, which is fast, and adds these up before they wrap."""

    def __init__(self) -> None:
        self._counts: TimesSeen = np.zeros((0, 0), np.uint32)
        self._bytes: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._in_bytes = 0

    def add(self, marked: npt.NDArray[np.bool_]) -> None:
        """Count the marked pixels once more."""
        if not self._bytes.size:
            self._counts, self._bytes = np.zeros(marked.shape, np.uint32), np.zeros(marked.shape, np.uint8)
        if self._in_bytes == 255:
            self._empty()
        self._bytes += marked.view(np.uint8)
        self._in_bytes += 1

    @property
    def counts(self) -> TimesSeen:
        """(H, W)."""
        self._empty()
        return self._counts

    def _empty(self) -> None:
        self._counts += self._bytes
        self._bytes.fill(0)
        self._in_bytes = 0


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


@dataclass(frozen=True, eq=False)
class PickedVideo:
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
    changed: TimesSeen
    still: TimesSeen
    steps: npt.NDArray[np.int64]


class LabelFlicker(Metric):
    """The share of still pixels that change their word from frame to frame, and where that is worst."""

    columns = (Column("flicker", "flicker", lowest_is_best=True),)
    files = ("flicker.png",)

    def __init__(
        self, total: tuple[int, int], worst: list[PickedVideo], watched: Flicker | None = None
    ) -> None:
        self.total = total  # as in `Flicker`
        self.worst = worst
        self._watched = watched
        self._video = 0

    @classmethod
    def applies(cls, task: Task) -> bool:
        """Only to videos."""
        return task.is_video

    @classmethod
    def start(cls, task: Task) -> Self:
        """Nothing counted yet."""
        return cls((0, 0), [], Flicker(task.dataset.ignore))

    def update(self, frame: ScoredFrame) -> None:
        """Compare a frame with the one before it."""
        assert self._watched is not None
        self._video = frame.video
        if not frame.follows:
            self._watched.skip()
        self._watched.add(frame.truth, frame.prediction)

    def finish(self) -> None:
        """Of a video, the totals are left, and what is drawn."""
        assert self._watched is not None
        seen, self._watched = self._watched, None
        changed, still = self.total = seen.total
        if still:
            steps = np.array(seen.steps, dtype=np.int64)
            self.worst = [PickedVideo(self._video, changed / still, seen.changed, seen.still, steps)]

    def merge(self, other: Self) -> None:
        """Add the counts of further videos."""
        self.total = _plus(self.total, other.total)
        self.worst = _worst([*self.worst, *other.worst])

    def prune(self, earlier: Self) -> None:
        """Forget videos that will not be shown."""
        kept = {id(picked) for picked in _worst([*earlier.worst, *self.worst])}
        self.worst = [picked for picked in self.worst if id(picked) in kept]

    def state(self) -> dict[str, Any]:
        """Everything by name."""
        found: dict[str, Any] = {
            "total": self.total,
            "worst": [[picked.video, picked.score] for picked in self.worst],
        }
        for place, picked in enumerate(self.worst):
            found |= {f"{part}{place}": getattr(picked, part) for part in ("changed", "still", "steps")}
        return found

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        changed, still = state["total"]
        worst = [
            PickedVideo(*entry, *(state[f"{part}{place}"] for part in ("changed", "still", "steps")))
            for place, entry in enumerate(state["worst"])
        ]
        return cls((changed, still), worst)

    def compute(self, task: Task) -> dict[str, Any]:
        """Over all transitions of all videos."""
        changed, still = self.total
        return {"flicker": changed / still if still else math.nan}

    def pictures(
        self, folder: Path, task: Task, result: Mapping[str, Any], title: str
    ) -> Iterator[tuple[str, str]]:
        """The videos that flicker most."""
        if self.worst:
            videos = [_flickering(task, picked) for picked in self.worst]
            draw_flicker(videos, f"Label flicker · {title}").save(folder / "flicker.png")
            yield (
                "flicker.png",
                "Label flicker: where the prediction changes although the ground truth does not",
            )


def _worst(videos: list[PickedVideo]) -> list[PickedVideo]:
    return heapq.nsmallest(PICKED, videos, lambda picked: (-picked.score, picked.video))


def _flickering(task: Task, picked: PickedVideo) -> Flickering:
    clip = task.dataset.clips[picked.video]
    labelled = [frame for frame, label in zip(clip.frames, clip.labels, strict=True) if label is not None]
    changed, still = picked.steps.T
    share = f"{100 * picked.score:.2f}"
    return Flickering(
        title=f"{clip.name} · {share} % of still pixels change their word from frame to frame",
        pixels=read_image(labelled[len(labelled) // 2]),
        rates=picked.changed / np.maximum(picked.still, 1),
        steps=np.divide(changed, still, out=np.full(len(changed), np.nan), where=still > 0),
        frames=len(labelled),
    )
