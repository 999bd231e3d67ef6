"""Scores one video: everything that its labelled frames add to a result, and how that is kept on disk."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from openvss.data.base import Clip, Ids
from openvss.data.labels import require_size
from openvss.errors import InputError
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.metrics.base import Metric, ScoredFrame
from openvss.evaluation.metrics.catalogue import METRICS, start_metrics
from openvss.evaluation.predictions import Predictions
from openvss.storage.atomic import replacing
from openvss.video.images import image_size


@dataclass(frozen=True, eq=False)
class VideoScore:
    """The counts of one video.

    Attributes:
        name: Its name in the data set.
        frames: How many labelled frames it has.
        ground_truth: Hash of all its labels, so that results can tell whether they are about the same data.
        metrics: What each metric counted.
    """

    name: str
    frames: int
    ground_truth: str
    metrics: dict[str, Metric]


def score_video(
    task: Task, predictions: Predictions, number: int, on_frame: Callable[[int], None] = lambda done: None
) -> VideoScore:
    """Score one video of the data set."""
    clip = task.dataset.clips[number]
    metrics = start_metrics(task)
    named = task.object_of(clip)
    digest = hashlib.sha256()
    sizes = _Sizes(clip)
    done = following = 0
    for index, prediction in predictions.of(clip):
        labels = task.labels(clip, index)
        _require_size_of_frame(clip, index, labels)
        if labels.shape != prediction.shape:
            raise InputError(_sizes_differ(predictions.name(clip, index), prediction, clip, index, labels))
        follows = done > 0 and index == following
        following = index + 1
        sizes.add(index, labels, follows=follows)
        digest.update(np.array(labels.shape, dtype="<u4").tobytes())
        digest.update(labels.tobytes())
        truth = task.rules.count_labels(labels, task.dataset.ignore)
        frame = ScoredFrame(number, index, follows, labels, truth, prediction, named)
        for metric in metrics.values():
            metric.update(frame)
        done += 1
        on_frame(done)
    for metric in metrics.values():
        metric.finish()
    return VideoScore(clip.name, done, digest.hexdigest(), metrics)


def save(score: VideoScore, path: Path) -> None:
    """Write a score; the file is complete or absent."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    values: dict[str, dict[str, Any]] = {}
    for name, metric in score.metrics.items():
        state = metric.state()
        held = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"{name}.{key}": value for key, value in held.items()}
        values[name] = {key: value for key, value in state.items() if key not in held}
    about = {"name": score.name, "frames": score.frames, "ground_truth": score.ground_truth}
    text = json.dumps({**about, "metrics": values})
    arrays["values"] = np.frombuffer(text.encode(), dtype=np.uint8)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> VideoScore | None:
    """What `save` wrote; None if it is not there or was damaged, and so has to be made again."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            values = json.loads(arrays["values"].tobytes())
            metrics = {
                name: METRICS[name].from_state({**plain, **_arrays_of(name, arrays)})
                for name, plain in values["metrics"].items()
            }
            return VideoScore(values["name"], values["frames"], values["ground_truth"], metrics)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError):
        return None


def _arrays_of(metric: str, arrays: Any) -> dict[str, npt.NDArray[Any]]:
    prefix = f"{metric}."
    return {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}


class _Sizes:
    """Requires one size of all frames of a video that are compared with the one before them."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._last: tuple[int, ...] = ()
        self._compared: tuple[int, ...] | None = None

    def add(self, index: int, labels: Ids, *, follows: bool) -> None:
        """Take the next labelled frame."""
        if follows:
            self._compared = self._compared or self._last
            if labels.shape != self._compared:
                raise InputError(
                    f"{self._clip.labels[index]} differs in size from the labels before it: all frames of a "
                    "video must have the same size."
                )
        self._last = labels.shape


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
