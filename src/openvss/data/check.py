"""Looks through a data set and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from openvss.data.base import Clip
from openvss.data.catalogue import Listings, missing_files, read_layout, remedy
from openvss.data.labels import SUFFIXES, require_size
from openvss.data.layout import ClipSet, files_in, frames_in
from openvss.errors import InputError
from openvss.video.images import read_image


def check(
    spec: str, split: str | None = None, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[str]:
    """A sentence for each problem of a data set; none if all is well.

    Every image and label file of the split is read, a clip at a time; `on_progress` is told how many clips
    are done and how many there are.
    """
    try:
        opened = read_layout(spec, split)
    except InputError as error:
        yield str(error)
        return
    files = Listings()
    for path in missing_files(opened.clips, files):
        yield f"The file {path} is missing: {remedy(opened, path)}."
    yield from _labels_without_image(opened)
    secret = not any(label for clip in opened.clips for label in clip.labels)
    if secret:
        yield f"Nothing in the split {opened.split!r} of {spec} has labels: it cannot be scored."
    for number, clip in enumerate(opened.clips, 1):
        if not clip.frames:
            yield f"The video {clip.name} has no frames."
        elif not secret and not any(clip.labels):
            yield f"{clip.name} has no labels."
        yield from _problems(opened, clip, files)
        on_progress(number, len(opened.clips))


def summary(spec: str, split: str | None = None) -> str:
    """What a data set holds, in one line."""
    opened = read_layout(spec, split)
    frames = sum(len(clip.frames) for clip in opened.clips)
    labels = sum(label is not None for clip in opened.clips for label in clip.labels)
    counts = {
        "image" if frames == len(opened.clips) else "video": len(opened.clips),
        "frame": frames,
        "label file": labels,
        "word": len(opened.vocabulary),
    }
    listed = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
    return f"{opened.name}, split {opened.split}: {listed}."


def _problems(opened: ClipSet, clip: Clip, files: Listings) -> Iterator[str]:
    """What is wrong inside the files of a clip."""
    first: tuple[Path, tuple[int, int]] | None = None
    for frame, label in zip(clip.frames, clip.labels, strict=True):
        if frame not in files:
            continue
        try:
            height, width, _ = read_image(frame).shape
            if label is not None and label in files:
                require_size(opened.read_label(label), label, (height, width), frame)
        except InputError as error:
            yield str(error)
            continue
        first = first or (frame, (height, width))
        if (height, width) != first[1]:
            yield (
                f"{frame} is {width}x{height}, but {first[0].name} is {first[1][1]}x{first[1][0]}: "
                "all frames of a video must have the same size."
            )


def _labels_without_image(opened: ClipSet) -> Iterator[str]:
    folders = {
        (label.parent, frame.parent)
        for clip in opened.clips
        for frame, label in zip(clip.frames, clip.labels, strict=True)
        if label is not None
    }
    for labels, images in sorted(folders):
        known = {frame.stem.removesuffix(opened.frame_ending) for frame in frames_in(images)}
        for label in files_in(labels, SUFFIXES):
            stem = label.stem
            if stem.endswith(opened.label_ending) and stem.removesuffix(opened.label_ending) not in known:
                yield f"The label file {label} has no image in {images}."
