"""One training sample: a clip of a data set, seen through a random view, with labels in joint ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from openvss.data.base import Clip, Dataset, Ids
from openvss.data.clips import Sample, training_sample
from openvss.data.labels import require_size
from openvss.data.pseudo_clips import SECOND, draw_path
from openvss.data.transforms import Draw, Pixels, apply_to_frames, apply_to_masks, draw
from openvss.models.base import VideoModel
from openvss.training.classes import UNKNOWN, Table
from openvss.training.recipe import Recipe, TrainingSet
from openvss.video.images import read_image


@dataclass(frozen=True, eq=False)
class Example:
    """What a model is shown once.

    Attributes:
        name: Where it comes from.
        frames: (T, 3, H, W), references then target.
        context: (K, 3, H, W) distant frames, or None.
        labels: (T, H, W) joint ids, `UNKNOWN` where there is no label.
        source: Number of its data set.
    """

    name: str
    frames: Tensor
    context: Tensor | None
    labels: Tensor
    source: int


@dataclass(frozen=True)
class Look:
    """Which frames a model wants to see for a target.

    Attributes:
        references: How far back, farthest first.
        context: None for a model without; 1 for a distant frame; else the model's own choice among frames.
    """

    references: tuple[int, ...]
    distant: bool
    own: Callable[[int, int], list[int]] | None

    @classmethod
    def of(cls, model: VideoModel, recipe: Recipe) -> Look:
        """What the model asks for, as far as the recipe lets it."""
        wants = bool(model.context_frames(0, 1))
        kind = recipe.clip.context if wants else "none"
        own = model.context_frames if kind == "own" else None
        return cls(model.references, kind == "distant", own)


class Source:
    """One data set of a recipe: its samples by number."""

    def __init__(
        self, number: int, dataset: Dataset, setting: TrainingSet, table: Table, recipe: Recipe, look: Look
    ) -> None:
        self.dataset, self.setting = dataset, setting
        self._number, self._table, self._recipe, self._look = number, table, recipe, look
        labelled = [_labelled(clip) for clip in dataset.clips]
        if setting.draw == "videos":
            labelled = [frames[:1] for frames in labelled]
        self._items = [(video, frame) for video, frames in enumerate(labelled) for frame in frames]
        self._image = cache(read_image) if recipe.data.cache else read_image
        self._label = cache(self._joint_label) if recipe.data.cache else self._joint_label

    def __len__(self) -> int:
        return len(self._items)

    def example(self, item: int, rng: random.Random) -> Example:
        """One item through a random view."""
        video, target = self._items[item]
        clip = self.dataset.clips[video]
        if self.setting.draw == "videos":
            target = rng.choice(_labelled(clip))
        settings = self._recipe.clip
        sample = training_sample(
            target,
            len(clip.frames),
            self._look.references,
            rng,
            min_gap=settings.min_gap,
            truncation=settings.truncation,
        )
        name = f"{self.setting.set} {clip.name}, frame {target}"
        if len(clip.frames) == 1 and settings.still is not None:
            frames, context, labels = self._still(clip, rng)
        else:
            frames, context, labels = self._clip(clip, sample, rng)
        labels[: len(labels) - self._n_labels(len(labels))] = UNKNOWN
        return Example(name, frames, context, labels, self._number)

    def _n_labels(self, n_frames: int) -> int:
        labels = self._recipe.clip.labels
        return {"target": 1, "all": n_frames}.get(labels, n_frames) if isinstance(labels, str) else labels

    def _clip(self, clip: Clip, sample: Sample, rng: random.Random) -> tuple[Tensor, Tensor | None, Tensor]:
        pixels = [self._image(clip.frames[t]) for t in sample.clip]
        masks = self._masks(clip, sample, pixels[-1])
        known = [mask is not None for mask in masks]
        target = masks[-1]
        assert target is not None
        whole = [mask for mask in masks if mask is not None] if all(known) else [target]
        view = draw(self._recipe.view, whole, rng, ignore=UNKNOWN, n_frames=len(masks))
        filled = [np.full_like(target, UNKNOWN) if mask is None else mask for mask in masks]
        far = self._context_frames(sample, len(clip.frames))
        if self.setting.blank_unseen:
            pixels = [self._blanked(clip, t, one) for t, one in zip(sample.clip, pixels, strict=True)]
        context = None
        if far:
            others = [self._image(clip.frames[t]) for t in far]
            if self.setting.blank_unseen:
                others = [self._blanked(clip, t, one) for t, one in zip(far, others, strict=True)]
            context = apply_to_frames(view, others)
        return apply_to_frames(view, pixels), context, apply_to_masks(view, filled)

    def _masks(self, clip: Clip, sample: Sample, target: Pixels) -> list[Ids | None]:
        """Labels of the clip's frames as far as they are needed and there are any."""
        wanted = self._n_labels(len(sample.clip))
        if len(sample.clip) > 1 and self._recipe.view.reverse:
            wanted = len(sample.clip)  # any end of the clip may become the target
        masks: list[Ids | None] = []
        for place, t in enumerate(sample.clip):
            label = clip.labels[t] if place >= len(sample.clip) - wanted else None
            masks.append(None if label is None else self._label(label))
        label, own = clip.labels[sample.target], masks[-1]
        assert label is not None
        assert own is not None
        require_size(own, label, target.shape[:2], clip.frames[sample.target])
        return masks

    def _still(self, clip: Clip, rng: random.Random) -> tuple[Tensor, Tensor | None, Tensor]:
        """A clip that a moving camera would have taken of a picture."""
        motion, label = self._recipe.clip.still, clip.labels[0]
        assert motion is not None
        assert label is not None
        pixels, mask = self._image(clip.frames[0]), self._label(label)
        require_size(mask, label, pixels.shape[:2], clip.frames[0])
        if self.setting.blank_unseen:
            pixels = self._blanked(clip, 0, pixels)
        view = draw(self._recipe.view, [mask], rng, ignore=UNKNOWN)
        path = draw_path(motion, rng)
        before = [*self._look.references, 0]
        views = [path.before(view, frames) for frames in before]
        frames = _one_by_one(views, pixels)
        labels = torch.cat([apply_to_masks(one, [mask]) for one in views])
        reach = motion.distant * SECOND
        n_far = 1 if self._look.distant else self._recipe.clip.context_size if self._look.own else 0
        far = [path.before(view, rng.uniform(-reach, reach)) for _ in range(n_far)]
        return frames, _one_by_one(far, pixels) if far else None, labels

    def _context_frames(self, sample: Sample, n_frames: int) -> list[int]:
        if self._look.distant:
            return [sample.distant]
        if self._look.own is None:
            return []
        chosen, size = self._look.own(sample.target, n_frames), self._recipe.clip.context_size
        return [chosen[i * len(chosen) // size] for i in range(size)]

    def _joint_label(self, path: Path) -> Ids:
        joint: Ids = self._table[self.dataset.read_label(path)]
        return joint

    def _blanked(self, clip: Clip, t: int, pixels: Pixels) -> Pixels:
        """The frame with its pixels of left-out classes black; training only, since it needs the labels."""
        label = clip.labels[t]
        if label is None:
            return pixels
        ids = self.dataset.read_label(label)
        hidden = (self._table[ids] == UNKNOWN) & (ids != self.dataset.ignore)
        return np.where(hidden[..., None], np.uint8(0), pixels)


def _labelled(clip: Clip) -> list[int]:
    return [t for t, label in enumerate(clip.labels) if label is not None]


def _one_by_one(views: Sequence[Draw], pixels: Pixels) -> Tensor:
    return torch.cat([apply_to_frames(view, [pixels]) for view in views])
