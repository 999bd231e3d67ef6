"""Temporal consistency mVC_n: does the labelling stay constant where the truth does?

For a window of n consecutive frames, *common* are the pixels whose true label is the same in all of them, and
*stable* those among the common ones whose predicted label is the same in all of them. The window's value is

    VC = stable / common                                              (Eq. 9 of the CFFM paper)

and is undefined where no pixel is common. Three modes turn windows into one number:

`paper`     All T - n + 1 windows of a video, ignored pixels left out; mean over a video's windows, then over
            videos. Videos shorter than n are skipped.
`vspw`      As VSPW's published script does it, with which the numbers in papers were made: the last window of
            each video is missing (T - n windows), ignored pixels are one more label, windows of all videos
            are pooled, so that long videos weigh more, and videos of up to 16 frames are skipped for every n.
            It knows no protocol: pixels of all classes count.
`correct`   As `paper`, but stable pixels must also be right. The other two do not ask for that: a wrong label
            that never changes is consistent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from openvss.evaluation.ground_truth import Task
from openvss.evaluation.markdown import percent, table
from openvss.evaluation.metrics.base import Column, Metric, ReportSection, ScoredFrame
from openvss.video.labelmap import Labels

Mode = Literal["paper", "vspw", "correct"]
MODES: tuple[Mode, ...] = ("paper", "vspw", "correct")
# A named object's masks have ids of their own, so that no predicted word could equal them.
OBJECT_MODES: tuple[Mode, ...] = ("paper", "vspw")
NOTES = {
    "paper": "all windows, ignored pixels left out, mean over a video and then over videos",
    "vspw": "as VSPW's published script: last window missing, ignored pixels count, windows pooled",
    "correct": "as `paper`, but stable pixels must also be right",
}
LENGTHS = (8, 16)
VSPW_SHORTEST = 17  # the script reads no video with fewer masks, whatever n is

RunLengths = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Windows:
    """The windows of one length in one video, as one mode counts them.

    Attributes:
        total: Sum of the values of the defined windows.
        defined: How many windows have a common pixel.
        undefined: How many have none.
    """

    total: float = 0.0
    defined: int = 0
    undefined: int = 0

    def plus(self, stable: int, common: int) -> Windows:
        """With one window more."""
        if not common:
            return Windows(self.total, self.defined, self.undefined + 1)
        return Windows(self.total + stable / common, self.defined + 1, self.undefined)


@dataclass(frozen=True)
class VideoConsistency:
    """What one video adds to the result: a few numbers, however long it is.

    Attributes:
        frames: How many frames were compared.
        windows: For each mode the windows of each length.
    """

    frames: int
    windows: Mapping[Mode, Mapping[int, Windows]]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave, also by way of JSON."""
        windows = data["windows"]
        return cls(
            data["frames"],
            {mode: {int(n): Windows(**w) for n, w in windows[mode].items()} for mode in MODES},
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        windows = {mode: {str(n): asdict(w) for n, w in of.items()} for mode, of in self.windows.items()}
        return {"frames": self.frames, "windows": windows}


@dataclass(frozen=True)
class Consistency:
    """mVC_n over a data set.

    Attributes:
        value: Fraction 0..1, nan if there was no defined window.
        windows: How many windows it is made of.
        undefined: How many more had no common pixel.
        videos: How many videos they come from.
        skipped: How many videos gave no defined window, most often because they are too short.
    """

    value: float
    windows: int
    undefined: int
    videos: int
    skipped: int


def mean_consistency(videos: Iterable[VideoConsistency], n: int, mode: Mode) -> Consistency:
    """mVC_n of the videos; their order makes no difference."""
    every = [video.windows[mode][n] for video in videos]
    used = [windows for windows in every if windows.defined]
    defined = sum(windows.defined for windows in used)
    if not used:
        value = math.nan
    elif mode == "vspw":
        value = math.fsum(windows.total for windows in used) / defined
    else:
        value = math.fsum(windows.total / windows.defined for windows in used) / len(used)
    undefined = sum(windows.undefined for windows in every)
    return Consistency(value, defined, undefined, len(used), len(every) - len(used))


class VideoMeter:
    """Measures one video frame by frame, for several window lengths and all modes at once.

    It keeps one frame of labels and, for each pixel, for how many frames they have been constant; so a frame
    costs the same however long the windows are, and memory does not grow.
    """

    def __init__(self, ignore: int, lengths: Sequence[int] = LENGTHS) -> None:
        if not lengths or min(lengths) < 1 or max(lengths) > 255:
            raise ValueError(f"windows have 1 to 255 frames, not {lengths}")
        self._ignore = ignore
        self._truth = _Runs(max(lengths))
        self._predicted = _Runs(max(lengths))
        self._frames = 0
        self._unbroken = 0
        self._windows = {mode: dict.fromkeys(lengths, Windows()) for mode in MODES}
        self._newest: dict[int, tuple[int, int]] = {}

    def update(self, labels: Labels, predictions: Labels, counted: Labels | None = None) -> None:
        """The next frame.

        Args:
            labels: (H, W) true ids or the ignored one.
            predictions: (H, W) predicted ids.
            counted: The labels in which what a protocol leaves out is ignored, too; `vspw` counts it still.
        """
        if labels.shape != predictions.shape:
            raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ in size")
        self._frames += 1
        self._unbroken += 1
        truth = self._truth.update(labels)
        both = np.minimum(truth, self._predicted.update(predictions))
        # Labels are constant over a window: what counts, or is right, in its last frame is so in all of it.
        counts = _bytes((labels if counted is None else counted) != self._ignore)
        truth_counted, both_counted = truth * counts, both * counts
        right = both_counted * _bytes(labels == predictions)
        for n in self._windows["paper"]:
            if n > self._unbroken:
                continue
            if n in self._newest:
                self._add("vspw", n, *self._newest[n])
            self._newest[n] = _at_least(n, both), _at_least(n, truth)
            common = _at_least(n, truth_counted)
            self._add("paper", n, _at_least(n, both_counted), common)
            self._add("correct", n, _at_least(n, right), common)

    def skip(self) -> None:
        """The next frame has no ground truth: no window reaches across it."""
        self._unbroken = 0
        self._truth.forget()
        self._predicted.forget()

    def finish(self) -> VideoConsistency:
        """The result, after the last frame."""
        windows: dict[Mode, dict[int, Windows]] = {mode: dict(of) for mode, of in self._windows.items()}
        if self._frames < VSPW_SHORTEST:
            windows["vspw"] = dict.fromkeys(windows["vspw"], Windows())
        return VideoConsistency(self._frames, windows)

    def _add(self, mode: Mode, n: int, stable: int, common: int) -> None:
        self._windows[mode][n] = self._windows[mode][n].plus(stable, common)


class _Runs:
    """For how many frames, the newest included, each pixel has had its label; counts up to `cap`."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._labels: Labels | None = None
        self._runs: RunLengths = np.empty(0, np.uint8)

    def update(self, labels: Labels) -> RunLengths:
        """(H, W) run lengths, valid until the next call."""
        if self._labels is None:
            self._runs = np.ones(labels.shape, np.uint8)
        elif self._labels.shape != labels.shape:
            raise ValueError(f"frames of one video differ in size: {self._labels.shape} and {labels.shape}")
        else:
            self._runs *= _bytes(labels == self._labels)
            self._runs += _bytes(self._runs < self._cap)
        self._labels = labels.copy()
        return self._runs

    def forget(self) -> None:
        """All runs start over at the next frame."""
        self._labels = None


def _bytes(mask: npt.NDArray[np.bool_]) -> RunLengths:
    """0 and 1 of the type of the run lengths: mixed types would make numpy convert, which takes longer."""
    return mask.view(np.uint8)


def _at_least(n: int, runs: RunLengths) -> int:
    return int(np.count_nonzero(runs >= n))


class TemporalConsistency(Metric):
    """mVC of all videos in all modes."""

    columns = tuple(Column(f"mvc{n}", f"mVC{n}") for n in LENGTHS)

    def __init__(self, videos: list[VideoConsistency], meter: VideoMeter | None = None) -> None:
        self.videos = videos
        self._meter = meter

    @classmethod
    def applies(cls, task: Task) -> bool:
        """Only to videos."""
        return task.is_video

    @classmethod
    def start(cls, task: Task) -> Self:
        """Nothing counted yet."""
        return cls([], VideoMeter(task.dataset.ignore))

    def update(self, frame: ScoredFrame) -> None:
        """Compare a frame with those before it."""
        assert self._meter is not None
        if not frame.follows:
            self._meter.skip()
        self._meter.update(frame.labels, frame.prediction, counted=frame.truth)

    def finish(self) -> None:
        """Of a video, a few numbers are left."""
        assert self._meter is not None
        self.videos.append(self._meter.finish())
        self._meter = None

    def merge(self, other: Self) -> None:
        """Add further videos."""
        self.videos += other.videos

    def state(self) -> dict[str, Any]:
        """Everything by name."""
        return {"videos": [video.to_dict() for video in self.videos]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        return cls([VideoConsistency.from_dict(video) for video in state["videos"]])

    def compute(self, task: Task) -> dict[str, Any]:
        """MVC of each length in `paper` mode."""
        return {f"mvc{n}": mean_consistency(self.videos, n, "paper").value for n in LENGTHS}

    def details(self, task: Task) -> dict[str, Any]:
        """MVC in all modes, and of how many windows it is made."""
        modes: dict[str, Any] = {}
        for mode in OBJECT_MODES if task.objects_only else MODES:
            modes[mode] = {}
            for n in LENGTHS:
                one = mean_consistency(self.videos, n, mode)
                modes[mode][f"mvc{n}"] = one.value
                modes[mode][f"mvc{n}_windows"] = one.windows
                modes[mode][f"mvc{n}_undefined_windows"] = one.undefined
                modes[mode][f"mvc{n}_skipped_videos"] = one.skipped
        return {"consistency": modes}

    def sections(self, result: Mapping[str, Any]) -> list[ReportSection]:
        """A row for each mode."""
        modes = result["consistency"]
        rows = [
            [
                f"`{mode}`",
                *(percent(found[f"mvc{n}"]) for n in LENGTHS),
                *(f"{found[f'mvc{n}_windows']} ({found[f'mvc{n}_skipped_videos']})" for n in LENGTHS),
                NOTES[mode],
            ]
            for mode, found in modes.items()
        ]
        counts = (f"windows of {n} (videos skipped)" for n in LENGTHS)
        head = ["mode", *(f"mVC{n}" for n in LENGTHS), *counts, "what counts"]
        return [ReportSection("Temporal consistency", table(head, rows))]
