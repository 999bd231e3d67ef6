"""Hashes that distinguish data and predictions from others of the same name, wherever they are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from openvss.data.base import Clip, Dataset
from openvss.errors import InputError
from openvss.storage.fingerprint import fingerprint


def data_sha256(dataset: Dataset) -> str:
    """Hash of all clips in order: the names of frames, and labels by name and content."""
    return _sha256(
        [clip.name, clip.objects, frame.name, label and [label.name, _content(label)]]
        for clip in dataset.clips
        for frame, label in zip(clip.frames, clip.labels, strict=True)
    )


def pictures_sha256(dataset: Dataset) -> str | None:
    """Hash of all frames in order: names, sizes, beginnings and ends."""
    try:
        return fingerprint([frame for clip in dataset.clips for frame in clip.frames])
    except OSError as error:
        raise _unreadable(Path(error.filename), error) from error


def predictions_sha256(dataset: Dataset, place: Callable[[Clip, int], Path]) -> str:
    """Hash of the content of each labelled frame's mask at `place`."""
    return _sha256(
        [clip.name, index, _content(place(clip, index))]
        for clip in dataset.clips
        for index, label in enumerate(clip.labels)
        if label is not None
    )


def _sha256(entries: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(json.dumps(entry).encode() + b"\n")
    return digest.hexdigest()


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read ({error.strerror or error}): replace it.")
