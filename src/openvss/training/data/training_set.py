"""The data sets of a recipe, opened: which videos are trained on, and their frames, labels and contexts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.catalogue import LAYOUTS, open_dataset
from openvss.data.folder import has_train
from openvss.data.labels import RAW_IDS, read_ids, require_size
from openvss.errors import InputError
from openvss.models.base import VideoContext
from openvss.training.data.vocabulary import UNKNOWN, Joint
from openvss.training.recipe.schema import TrainingSet
from openvss.video.images import read_image
from openvss.video.pixels import Pixels
from openvss.words.vocabulary import Vocabulary

Video = tuple[Path, str]  # the root of its data set, and its name


class SampleSource:
    """One data set to train on, with its labels in joint ids.

    Attributes:
        number: Of the data set among those of the recipe.
        dataset: What was found on disk.
        setting: What the recipe says about it.
        earliest: Frame before which there are no targets, in videos that have later ones.
        made: Folder of the targets that the run has made for it; None before the first round.
    """

    def __init__(
        self,
        number: int,
        dataset: Dataset,
        setting: TrainingSet,
        joint: Joint,
        *,
        keep: bool,
        earliest: int = 0,
    ) -> None:
        self.number, self.dataset, self.setting = number, dataset, setting
        self.earliest = earliest
        self.made: Path | None = None
        self.words = joint.words[number]
        self._table = joint.tables[number]
        self._made_table = np.full(RAW_IDS, UNKNOWN, np.uint16)
        self._made_table[: len(self.words)] = self.words
        labelled = [self._targets(clip) for clip in dataset.clips]
        if setting.draw == "videos":
            labelled = [frames[:1] for frames in labelled]
        self._items = [(video, frame) for video, frames in enumerate(labelled) for frame in frames]
        self._image = cache(read_image) if keep else read_image
        self._label = cache(self._read_label) if keep else self._read_label

    def __len__(self) -> int:
        return len(self._items)

    def item(self, number: int, rng: random.Random) -> tuple[Clip, int]:
        """A clip and the frame of it that is the target."""
        video, target = self._items[number]
        clip = self.dataset.clips[video]
        if self.setting.draw == "videos":
            target = rng.choice(self._targets(clip))
        return clip, target

    def frame(self, clip: Clip, t: int) -> Pixels:
        """(H, W, 3); with `blank_unseen`, classes that are not trained on are black."""
        pixels, label = self._image(clip.frames[t]), clip.labels[t]
        if not self.setting.blank_unseen or label is None:
            return pixels
        ids = self.dataset.read_label(label)
        hidden = (self._table[ids] == UNKNOWN) & (ids != self.dataset.ignore)
        return np.where(hidden[..., None], np.uint8(0), pixels)

    def label(self, clip: Clip, t: int) -> Ids | None:
        """(H, W) joint ids; None where the frame has none."""
        path = self._label_file(clip, t)
        return None if path is None else self._label(path)

    def target_label(self, clip: Clip, t: int, pixels: Pixels) -> Ids:
        """The label of a frame that must have one, of its size."""
        path, label = self._label_file(clip, t), self.label(clip, t)
        if path is None or label is None:
            raise InputError(
                f"Frame {t} of {clip.name} got no label from targets.maker: use one that labels every frame."
            )
        require_size(label, path, (pixels.shape[0], pixels.shape[1]), clip.frames[t])
        return label

    def context(self, clip: Clip) -> VideoContext:
        """The context that the run has made of a whole video."""
        assert self.made is not None
        return load_file(context_file(self.made, clip))

    def vocabulary(self, joint: Joint) -> Vocabulary:
        """The words of this set alone."""
        return Vocabulary(tuple(joint.vocabulary.labels[i] for i in self.words))

    def _targets(self, clip: Clip) -> list[int]:
        labelled = self._labelled(clip)
        return [t for t in labelled if t >= self.earliest] or labelled[-1:]

    def _labelled(self, clip: Clip) -> list[int]:
        if self.setting.labels == "made":
            return list(range(len(clip.frames)))
        return [t for t, label in enumerate(clip.labels) if label is not None]

    def _label_file(self, clip: Clip, t: int) -> Path | None:
        if self.setting.labels == "own":
            return clip.labels[t]
        assert self.made is not None
        path = label_file(self.made, clip, t)
        return path if path.is_file() else None

    def _read_label(self, path: Path) -> Ids:
        if self.setting.labels == "made":
            made: Ids = self._made_table[read_ids(path)]
            return made
        joint: Ids = self._table[self.dataset.read_label(path)]
        return joint


def open_training_sets(settings: Sequence[TrainingSet], held_out: Sequence[Dataset] = ()) -> list[Dataset]:
    """The data sets without the videos that are held out, each of which must be in one of them."""
    datasets = [_open(one) for one in settings]
    held = {video for dataset in held_out for video in _videos(dataset)}
    strange = held.difference(*(_videos(dataset) for dataset in datasets))
    if strange:
        root, name = min(strange)
        raise InputError(
            f"The video {name} of {root} is to be held out, but no set of data.train contains it: give that "
            "set of validation.on a split that is trained on."
        )
    return [_without(dataset, held) for dataset in datasets]


def _open(setting: TrainingSet) -> Dataset:
    name, _, root = setting.set.partition(":")
    split = setting.split
    if split is None and name in LAYOUTS:
        listed = name == "folder" and has_train(Path(root).expanduser())
        split = "train" if listed or "train" in LAYOUTS[name].splits else None
    return open_dataset(setting.set, split, labelled=setting.labels == "own")


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


def frame_name(clip: Clip, frame: int) -> str:
    """The name of a frame of a data set: that of an image, or a video's and the frame's."""
    return clip.name if len(clip.frames) == 1 else f"{clip.name}/{clip.frames[frame].stem}"


def label_file(folder: Path, clip: Clip, frame: int) -> Path:
    """The path of the label made for a frame: a PNG of ids, 255 or 65535 where there is none."""
    return folder / "labels" / f"{frame_name(clip, frame)}.png"


def context_file(folder: Path, clip: Clip) -> Path:
    """The path of the context made for a video: safetensors of `VideoModel.summarise`."""
    return folder / "contexts" / f"{clip.name}.safetensors"
