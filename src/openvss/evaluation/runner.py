"""Scores a data set video by video, in bounded memory; what is finished survives an interruption."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from openvss.data.base import Clip
from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.meter import score_video
from openvss.evaluation.metrics.confusion import Confusion
from openvss.evaluation.metrics.consistency import VideoConsistency
from openvss.evaluation.metrics.objects import ObjectOverlap
from openvss.evaluation.report.looks import Looks
from openvss.evaluation.scores import VideoScore
from openvss.evaluation.task import Predictions, Task


@dataclass
class Evaluation:
    """The counts of a whole data set.

    Attributes:
        confusion: Of all frames; of no classes for sets with one named object a sequence.
        videos: What each video adds to consistency, in order.
        objects: For those sets: (sequence, words, its counts).
        flicker: (still pixels that changed their word, still pixels).
        looks: What may be shown.
        frames: How many labelled frames there are.
        ground_truth: Hash of all labels.
    """

    confusion: Confusion
    videos: list[VideoConsistency] = field(default_factory=list)
    objects: list[tuple[str, tuple[str, ...], ObjectOverlap]] = field(default_factory=list)
    flicker: tuple[int, int] = (0, 0)
    looks: Looks = field(default_factory=Looks)
    frames: int = 0
    ground_truth: str = ""

    def add(self, clip: Clip, score: VideoScore) -> None:
        """Take the next video."""
        self.confusion = self.confusion + score.confusion
        self.videos.append(score.consistency)
        if score.object is not None and clip.objects is not None:
            self.objects.append((clip.name, clip.objects[1], score.object))
        self.flicker = self.flicker[0] + score.flicker[0], self.flicker[1] + score.flicker[1]
        self.looks.merge(score.looks)
        self.frames += score.frames
        self.ground_truth = hashlib.sha256((self.ground_truth + score.ground_truth).encode()).hexdigest()


def run(
    task: Task,
    predictions: Predictions,
    folder: ResultFolder,
    on_frame: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Score every video that the folder does not hold yet; `on_frame` is told how many frames are done."""
    whole = Evaluation(Confusion.empty(task.n_classes))
    try:
        for number, clip in enumerate(task.dataset.clips):
            score = folder.load(number)
            if score is None or score.name != clip.name:
                score = score_video(task, predictions, number, _counting_from(whole.frames, on_frame))
                score = replace(score, looks=score.looks.without_losers(whole.looks))
                folder.save(number, score)
            whole.add(clip, score)
            on_frame(whole.frames)
    except BaseException:
        folder.leave()
        raise
    return whole


def _counting_from(start: int, on_frame: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: on_frame(start + done)
