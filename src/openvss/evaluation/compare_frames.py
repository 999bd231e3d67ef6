"""A film strip: some frames of one video, the ground truth, and what several evaluations predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from PIL import Image

from openvss.data.base import Clip, Ids
from openvss.errors import InputError
from openvss.evaluation.ground_truth import Task
from openvss.evaluation.pictures.film_strip import Row, draw_strip
from openvss.evaluation.predictions import Predictions
from openvss.video.colours import colours_for
from openvss.video.images import read_image

SHOWN = 6  # frames, unless they are named
MOST = 12


def find_video(task: Task, name: str) -> Clip:
    """The video of that name."""
    names = [clip.name for clip in task.dataset.clips]
    if name in names:
        return task.dataset.clips[names.index(name)]
    close = get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"name one such as {', '.join(names[:3])}."
    raise InputError(f"No video named {name!r} was scored: {hint}")


def choose_frames(clip: Clip, wanted: str | None) -> list[int]:
    """The frames of `40-45` or `40,45,50`, which must be labelled; else consecutive ones from the middle."""
    labelled = [index for index, label in enumerate(clip.labels) if label is not None]
    if wanted is None:
        start = max(len(labelled) - SHOWN, 0) // 2
        return labelled[start : start + SHOWN]
    ranges = [_parse(part, wanted) for part in wanted.split(",")]
    last = max(frames[-1] for frames in ranges)
    if last >= len(clip.frames):
        raise InputError(f"{clip.name} has no frame {last}: give --frames from 0 to {len(clip.frames) - 1}.")
    frames = sorted({frame for frames in ranges for frame in frames})
    without = next((frame for frame in frames if frame not in labelled), None)
    if without is not None:
        near = sorted(sorted(labelled, key=lambda frame: abs(frame - without))[:SHOWN])
        raise InputError(
            f"Frame {without} of {clip.name} has no labels, so nothing was scored there: give frames that "
            f"have, such as --frames {','.join(map(str, near))}."
        )
    if len(frames) > MOST:
        raise InputError(f"--frames {wanted} names {len(frames)} frames: give at most {MOST}.")
    return frames


def predict(predictions: Predictions, clip: Clip, frames: Sequence[int]) -> Iterator[Ids]:
    """What is predicted for some labelled frames of a video."""
    labels = tuple(label if index in frames else None for index, label in enumerate(clip.labels))
    return (ids for _, ids in predictions.of(replace(clip, labels=labels)))


def draw(
    task: Task, clip: Clip, frames: Sequence[int], predicted: Mapping[str, Sequence[Ids]], title: str
) -> Image.Image:
    """The picture; `predicted` has the labels of all frames by the name of the method."""
    names = task.rules.class_names(task.words)
    truth = Row("ground truth", [task.truth_in_words(clip, index) for index in frames])
    return draw_strip(
        f"{title} · {clip.name}",
        [f"frame {index}" for index in frames],
        [read_image(clip.frames[index]) for index in frames],
        [truth, *(Row(name, ids) for name, ids in predicted.items())],
        names,
        colours_for(names),
    )


def _parse(part: str, wanted: str) -> range:
    first, dash, last = part.strip().partition("-")
    ends = (first, last if dash else first)
    if not all(end.isascii() and end.isdecimal() for end in ends) or int(ends[0]) > int(ends[1]):
        raise InputError(f"--frames {wanted} names no frames: write --frames 40-45 or --frames 40,45,50.")
    return range(int(ends[0]), int(ends[1]) + 1)
