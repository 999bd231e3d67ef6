"""One training sample: a clip of a data set, seen through a random view, with labels in joint ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from openvss.data.base import Clip, Ids
from openvss.data.clips import Sample, training_sample
from openvss.data.pseudo_clips import SECOND, draw_path
from openvss.data.transforms import Draw, apply_to_frames, apply_to_masks, draw
from openvss.models.base import VideoContext, VideoModel
from openvss.training.data.frames import FrameSource
from openvss.training.data.vocabulary import UNKNOWN
from openvss.training.recipe.schema import Recipe
from openvss.video.pixels import Pixels


@dataclass(frozen=True, eq=False)
class Example:
    """What a model is shown once.

    Attributes:
        name: Where it comes from.
        frames: (T, 3, H, W), references then target.
        context: (K, 3, H, W) distant frames, a made context for a batch of one, or None.
        labels: (T, H, W) joint ids, `UNKNOWN` where there is no label.
        source: Number of its data set.
    """

    name: str
    frames: Tensor
    context: Tensor | VideoContext | None
    labels: Tensor
    source: int


class Sampler:
    """Makes examples as a model wants to see them."""

    def __init__(self, model: VideoModel, recipe: Recipe) -> None:
        self._clip, self._view = recipe.clip, recipe.view
        self._references = model.references
        wants = bool(model.context_frames(0, 1))
        self._context = recipe.clip.context if wants else "none"
        # Only what it chooses with, so that worker processes need not be given a whole model.
        self._own: Callable[[int, int], list[int]] | None = None
        if self._context == "own":
            self._own = model.context_frames

    def example(self, source: FrameSource, item: int, rng: random.Random) -> Example:
        """One item of a data set through a random view."""
        clip, target = source.item(item, rng)
        n = len(clip.frames)
        gap, truncation = self._clip.min_gap, self._clip.truncation
        sample = training_sample(target, n, self._references, rng, min_gap=gap, truncation=truncation)
        still = n == 1 and self._clip.still is not None
        shown = self._of_still if still else self._of_video
        frames, far, labels = shown(source, clip, sample, rng)
        labels[: len(labels) - self._n_labels] = UNKNOWN
        context = source.context(clip) if self._context == "made" else far
        name = f"{source.setting.set} {clip.name}, frame {target}"
        return Example(name, frames, context, labels, source.number)

    @property
    def _n_labels(self) -> int:
        """How many of a clip's last frames are labelled."""
        labels, n_frames = self._clip.labels, len(self._references) + 1
        if isinstance(labels, int):
            return min(labels, n_frames)
        return n_frames if labels == "all" else 1

    def _of_video(
        self, source: FrameSource, clip: Clip, sample: Sample, rng: random.Random
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        pixels = [source.frame(clip, t) for t in sample.clip]
        masks = self._masks(source, clip, sample, pixels[-1])
        known = [mask for mask in masks if mask is not None]
        # A clip may be turned round only if any of its ends can be the target.
        view = draw(
            self._view,
            known if len(known) == len(masks) else known[-1:],
            rng,
            ignore=UNKNOWN,
            n_frames=len(masks),
        )
        filled = [np.full_like(known[-1], UNKNOWN) if mask is None else mask for mask in masks]
        far = [source.frame(clip, t) for t in self._far(sample, len(clip.frames))]
        context = apply_to_frames(view, far) if far else None
        return apply_to_frames(view, pixels), context, apply_to_masks(view, filled)

    def _masks(self, source: FrameSource, clip: Clip, sample: Sample, target: Pixels) -> list[Ids | None]:
        """Labels of the clip's frames as far as they are needed and there are any."""
        n = len(sample.clip)
        wanted = n if n > 1 and self._view.reverse else self._n_labels
        before = [
            source.label(clip, t) if place >= n - wanted else None for place, t in enumerate(sample.clip[:-1])
        ]
        return [*before, source.target_label(clip, sample.target, target)]

    def _far(self, sample: Sample, n_frames: int) -> list[int]:
        if self._context == "distant":
            return [sample.distant]
        if self._own is None:
            return []
        chosen, size = self._own(sample.target, n_frames), self._clip.context_size
        return [chosen[i * len(chosen) // size] for i in range(size)]

    def _of_still(
        self, source: FrameSource, clip: Clip, sample: Sample, rng: random.Random
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """A clip that a moving camera would have taken of a picture."""
        motion = self._clip.still
        assert motion is not None
        pixels = source.frame(clip, sample.target)
        mask = source.target_label(clip, sample.target, pixels)
        view = draw(self._view, [mask], rng, ignore=UNKNOWN)
        path = draw_path(motion, rng)
        views = [path.before(view, frames) for frames in (*self._references, 0)]
        labels = torch.cat([apply_to_masks(one, [mask]) for one in views])
        n_far = {"distant": 1, "own": self._clip.context_size}.get(self._context, 0)
        reach = motion.distant * SECOND
        far = [path.before(view, rng.uniform(-reach, reach)) for _ in range(n_far)]
        return _through(views, pixels), _through(far, pixels) if far else None, labels


def _through(views: Sequence[Draw], pixels: Pixels) -> Tensor:
    return torch.cat([apply_to_frames(view, [pixels]) for view in views])
