"""Videos to validate on that are taken out of what is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openvss.data.base import Dataset
from openvss.errors import InputError
from openvss.training.validation import Check

Video = tuple[Path, str]  # the root of its data set, and its name


def held_out(checks: Iterable[Check]) -> dict[str, list[str]]:
    """The names of the videos by the name of their validation set, "" if it has none; as a run records it."""
    return {
        check.name or "": [clip.name for clip in check.task.dataset.clips]
        for check in checks
        if check.held_out
    }


def without_held_out(datasets: Sequence[Dataset], checks: Iterable[Check]) -> list[Dataset]:
    """The data sets to train on without the videos that are held out; each must be in one of them."""
    held: set[Video] = set()
    for check in checks:
        if check.held_out:
            held |= set(_videos(check.task.dataset))
    strange = held.difference(*(_videos(dataset) for dataset in datasets))
    if strange:
        root, name = min(strange)
        raise InputError(
            f"The video {name} of {root} is to be held out, but nothing in data.train has it: give that set "
            "of validation.on a split that is trained on."
        )
    return [_without(dataset, held) for dataset in datasets]


def _without(dataset: Dataset, held: set[Video]) -> Dataset:
    kept = [clip for clip, video in zip(dataset.clips, _videos(dataset), strict=True) if video not in held]
    if not kept:
        raise InputError(
            f"All videos of {dataset.name}:{dataset.root} {dataset.split} are held out, and none is left to "
            "train on: lower the videos of validation.on, or add some."
        )
    found: Any = dataset
    shortened: Dataset = replace(found, clips=tuple(kept))
    return shortened


def _videos(dataset: Dataset) -> list[Video]:
    root = dataset.root.resolve()
    return [(root, clip.name) for clip in dataset.clips]
