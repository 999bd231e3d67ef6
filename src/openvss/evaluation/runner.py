"""Scores a data set video by video, in bounded memory; what is finished survives an interruption."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from openvss.evaluation.folder import ResultFolder
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.catalogue import start_metrics
from openvss.evaluation.predictions import Predictions
from openvss.evaluation.video_scores import VideoScore, score_video


class Evaluation:
    """The counts of a whole data set.

    Attributes:
        metrics: What each metric counted.
        frames: How many labelled frames there are.
        ground_truth: Hash of all labels.
    """

    def __init__(self, task: Task) -> None:
        self.metrics = start_metrics(task)
        self.frames = 0
        self.ground_truth = ""

    def add(self, score: VideoScore) -> None:
        """Take the next video."""
        for name, metric in self.metrics.items():
            metric.merge(score.metrics[name])
        self.frames += score.frames
        self.ground_truth = hashlib.sha256((self.ground_truth + score.ground_truth).encode()).hexdigest()

    def prune(self, score: VideoScore) -> None:
        """Drop from a video's score what is not needed once it is added."""
        for name, metric in score.metrics.items():
            metric.prune(self.metrics[name])

    def fits(self, score: VideoScore, video: str) -> bool:
        """Whether a score that was kept is of this video, and by the metrics that there are now."""
        return score.name == video and score.metrics.keys() == self.metrics.keys()


def run(
    task: Task,
    predictions: Predictions,
    folder: ResultFolder,
    on_frame: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Score every video that the folder does not hold yet; `on_frame` is told how many frames are done."""
    whole = Evaluation(task)
    try:
        for number, clip in enumerate(task.dataset.clips):
            score = folder.load(number)
            if score is None or not whole.fits(score, clip.name):
                score = score_video(task, predictions, number, _counting_from(whole.frames, on_frame))
                whole.prune(score)
                folder.save(number, score)
            whole.add(score)
            on_frame(whole.frames)
    except BaseException:
        folder.leave()
        raise
    return whole


def _counting_from(start: int, on_frame: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: on_frame(start + done)
