"""Predicted labels, and masks in a folder that other software or `openvss segment` wrote.

A mask holds ids that count from 0 in the order of the data set's list of words, whatever the data set's own
files hold; 255 (65535 beyond 254 words) means unlabelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.labels import read_ids
from openvss.data.protocol import Protocol as ScoringRules
from openvss.errors import InputError
from openvss.evaluation.hashes import predictions_sha256
from openvss.video.labelmap import unlabelled_id
from openvss.wording import counted
from openvss.words.vocabulary import Vocabulary

CLASSES = "classes.json"  # what `openvss segment` says about the words of its masks

Place = Callable[[Clip, int], Path]


class Predictions(Protocol):
    """Where predicted labels come from: a model or a folder of masks."""

    @property
    def origin(self) -> dict[str, Any]:
        """Under `model` what decides a model's result; or the folder `predictions`, and a hash of them."""

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The predicted classes of every labelled frame, with its number."""

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame."""


class FolderPredictions:
    """The masks of a whole data set; that all of them are there is known before the first is read.

    Attributes:
        origin: What a result says about where its predictions came from.
    """

    def __init__(self, folder: Path, dataset: Dataset, words: Vocabulary, rules: ScoringRules) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder: name the folder that holds the predicted masks.")
        self._n_words = len(words)
        self._rules = rules
        self._place = _find_layout(folder, dataset)
        _check_words(folder, words)
        self._check_complete(dataset)
        content = predictions_sha256(dataset, self._place)
        self.origin: dict[str, Any] = {
            "model": None,
            "predictions": str(folder),
            "predictions_sha256": content,
        }

    def of(self, clip: Clip) -> Iterator[tuple[int, Ids]]:
        """The classes of every labelled frame, with its number."""
        for index, label in enumerate(clip.labels):
            if label is not None:
                yield index, self._rules.classes_of_list(self._read(self._place(clip, index)))

    def name(self, clip: Clip, index: int) -> str:
        """What messages call the prediction of a frame."""
        return str(self._place(clip, index))

    def _read(self, path: Path) -> Ids:
        ids = read_ids(path)
        unlabelled = unlabelled_id(self._n_words)
        wrong = ids[(ids >= self._n_words) & (ids != unlabelled)]
        if wrong.size:
            raise InputError(
                f"{path} holds the id {wrong.max()}, but the list has {counted(self._n_words, 'word')}: "
                f"predictions are ids from 0 to {self._n_words - 1} in the list's order, or "
                f"{unlabelled} for unlabelled."
            )
        return ids.astype(np.uint8) if unlabelled == 255 else ids.astype(np.uint16)

    def _check_complete(self, dataset: Dataset) -> None:
        wanted = [
            self._place(clip, index)
            for clip in dataset.clips
            for index, label in enumerate(clip.labels)
            if label is not None
        ]
        missing = [path for path in wanted if not path.is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(wanted)} predictions are missing, the first is {missing[0]}: every "
                "labelled frame needs one."
            )


def _find_layout(folder: Path, dataset: Dataset) -> Place:
    """The layout that most first frames of clips are found in."""
    layouts = _layouts(folder, dataset)
    firsts = [
        (clip, next(index for index, label in enumerate(clip.labels) if label is not None))
        for clip in dataset.clips
        if any(clip.labels)
    ]
    found = [sum(_is_prediction(place(*first), *first) for first in firsts) for place in layouts]
    if not any(found):
        clip, index = firsts[0]
        truth = clip.labels[index]
        if any(place(clip, index).is_file() for place in layouts):
            raise InputError(
                f"The only masks in {folder} are the ground truth itself, such as {truth}: name the folder "
                "of the predicted masks."
            )
        raise InputError(
            f"{folder} holds no predictions for this data set: its first frame is expected, for "
            f"example, at {layouts[0](clip, index)} or {layouts[1](clip, index)}."
        )
    return layouts[found.index(max(found))]


def _is_prediction(path: Path, clip: Clip, index: int) -> bool:
    label = clip.labels[index]
    return path.is_file() and not (label is not None and path.samefile(label))


def _layouts(folder: Path, dataset: Dataset) -> list[Place]:
    """The possible paths of the prediction of a clip's frame."""

    def by_clip(clip: Clip, index: int) -> Path:
        return folder / clip.name / f"{clip.frames[index].stem}.png"

    def as_labels(clip: Clip, index: int) -> Path:
        label = clip.labels[index]
        assert label is not None
        inside = label.relative_to(dataset.root) if label.is_relative_to(dataset.root) else Path(label.name)
        own = folder / inside
        return own if own.is_file() else own.with_suffix(".png")

    def by_name(clip: Clip, index: int) -> Path:
        return folder / f"{clip.name}.png"

    def flat(clip: Clip, index: int) -> Path:
        return folder / f"{clip.frames[index].stem}.png"

    def by_city(clip: Clip, index: int) -> Path:
        return (folder / clip.name).with_name(f"{clip.frames[index].stem}.png")

    layouts: list[Place] = [by_clip, as_labels]
    if all(sum(label is not None for label in clip.labels) == 1 for clip in dataset.clips):
        layouts += [by_name]
        stems = {
            frame.stem
            for clip in dataset.clips
            for frame, label in zip(clip.frames, clip.labels, strict=True)
            if label is not None
        }
        if len(stems) == len(dataset.clips):
            layouts += [flat, by_city]
    if len(dataset.clips) == 1:
        numbered: list[Place] = [
            lambda clip, index: folder / f"{index:06d}.png",
            lambda clip, index: folder / "masks" / f"{index:06d}.png",
        ]
        # `openvss segment` counts from 0; where frames count from 1, their names fit its masks, too
        by_segment = _classes_of_segment(folder) is not None
        layouts = [*numbered, *layouts, flat] if by_segment else [*layouts, flat, *numbered]
    return layouts


def _check_words(folder: Path, words: Vocabulary) -> None:
    """Refuse masks that `openvss segment` made with other words."""
    found = _classes_of_segment(folder)
    if found is None or found[1] == words.names:
        return
    path, names = found
    if sorted(names) == sorted(words.names):
        raise InputError(
            f"{path} says that these masks were made with the words in another order ({_list(names)}) than "
            f"the data set's ({_list(words.names)}): segment with that order."
        )
    raise InputError(
        f"{path} says that these masks were made with other words ({_list(names)}) than they are to "
        f"be scored with ({_list(words.names)}): segment with the same list, or give it with --words."
    )


def _classes_of_segment(folder: Path) -> tuple[Path, tuple[str, ...]] | None:
    """The file in which `openvss segment` keeps the words of masks in this folder, and the words."""
    for path in (folder / CLASSES, folder.parent / CLASSES):
        if not path.is_file() or (path.parent != folder and folder.name != "masks"):
            continue
        try:
            return path, tuple(entry["name"] for entry in json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not ours
    return None


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
