"""Measures one video: everything that its labelled frames add to a result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from openvss.data.base import Clip, Ids
from openvss.data.labels import require_size
from openvss.errors import InputError
from openvss.evaluation.metrics.confusion import Confusion, mean_iou
from openvss.evaluation.metrics.consistency import VideoMeter
from openvss.evaluation.metrics.flicker import Flicker
from openvss.evaluation.metrics.objects import ObjectOverlap
from openvss.evaluation.report.looks import FlickerLook, VideoLooks
from openvss.evaluation.scores import VideoScore
from openvss.evaluation.task import Predictions, Task
from openvss.video.images import image_size


def score_video(
    task: Task, predictions: Predictions, number: int, on_frame: Callable[[int], None] = lambda done: None
) -> VideoScore:
    """Score one video of the data set."""
    clip = task.dataset.clips[number]
    meter = _Meter(task, clip, number)
    following = 0
    for index, prediction in predictions.of(clip):
        if index != following:
            meter.skip()
        following = index + 1
        labels = task.labels(clip, index)
        _require_size_of_frame(clip, index, labels)
        if labels.shape != prediction.shape:
            raise InputError(_sizes_differ(predictions.name(clip, index), prediction, clip, index, labels))
        meter.add(index, labels, prediction)
        on_frame(meter.frames)
    return meter.finish()


class _Meter:
    """Everything that is measured in one video."""

    def __init__(self, task: Task, clip: Clip, number: int) -> None:
        self.frames = 0
        self._task, self._clip, self._number = task, clip, number
        self._ignore = task.dataset.ignore
        self._hash = hashlib.sha256()
        self._confusion = Confusion.empty(task.n_classes)
        self._consistency = VideoMeter(self._ignore)
        self._flicker = Flicker(self._ignore)
        self._looks = VideoLooks(number)
        self._object = task.object_of(clip)
        self._overlap = ObjectOverlap()

    def skip(self) -> None:
        """There are frames without ground truth before the next one."""
        self._consistency.skip()
        self._flicker.skip()

    def add(self, index: int, labels: Ids, prediction: Ids) -> None:
        """Take the next labelled frame."""
        self.frames += 1
        self._hash.update(np.array(labels.shape, dtype="<u4").tobytes())
        self._hash.update(labels.tobytes())
        truth = self._task.rules.count_labels(labels, self._ignore)
        self._measure_motion(index, labels, truth, prediction)
        if self._object is None:
            score = self._add_classes(truth, prediction)
        else:
            score = self._add_object(truth, prediction, *self._object)
        self._looks.add(index, score, prediction)

    def finish(self) -> VideoScore:
        """The score, after the last frame."""
        looks = self._looks.finish()
        changed, still = self._flicker.total
        if still:
            steps = np.array(self._flicker.steps, dtype=np.int64)
            looks.flicker = [
                FlickerLook(self._number, changed / still, self._flicker.changed, self._flicker.still, steps)
            ]
        return VideoScore(
            name=self._clip.name,
            frames=self.frames,
            ground_truth=self._hash.hexdigest(),
            confusion=self._confusion,
            consistency=self._consistency.finish(),
            flicker=(changed, still),
            object=None if self._object is None else self._overlap,
            looks=looks,
        )

    def _measure_motion(self, index: int, labels: Ids, truth: Ids, prediction: Ids) -> None:
        try:
            self._consistency.update(labels, prediction, counted=truth)
            self._flicker.add(truth, prediction)
        except ValueError as error:
            raise InputError(
                f"{self._clip.labels[index]} has another size than the labels before it: all frames of a "
                "video have one size."
            ) from error

    def _add_classes(self, truth: Ids, prediction: Ids) -> float:
        """Count a frame; returns how good it is, to choose what is shown."""
        confusion = Confusion.of(truth, prediction, self._task.n_classes, self._ignore)
        self._confusion = self._confusion + confusion
        return mean_iou(confusion)

    def _add_object(self, truth: Ids, prediction: Ids, identity: int, words: tuple[int, ...]) -> float:
        """The same where only one object can be scored."""
        frame = ObjectOverlap()
        frame.update(truth, prediction, object_id=identity, words=words, ignore=self._ignore)
        self._overlap = self._overlap + frame
        return frame.iou


def _require_size_of_frame(clip: Clip, index: int, labels: Ids) -> None:
    path, frame = clip.labels[index], clip.frames[index]
    assert path is not None
    require_size(labels, path, image_size(frame), frame)


def _sizes_differ(name: str, prediction: Ids, clip: Clip, index: int, labels: Ids) -> str:
    height, width = labels.shape
    return (
        f"{name} is {prediction.shape[1]}x{prediction.shape[0]}, but its ground truth {clip.labels[index]} "
        f"is {width}x{height}: both must have the same size."
    )
