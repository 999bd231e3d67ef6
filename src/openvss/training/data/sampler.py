"""Training samples: their order, and each one as a clip seen through a random view.

Every position of the order can be computed by itself, so a resumed run continues with the same samples.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from openvss.data.base import Clip, Ids
from openvss.data.clips import Sample, training_sample
from openvss.data.pseudo_clips import SECOND, draw_path
from openvss.data.transforms import Draw, apply_to_frames, apply_to_masks, draw
from openvss.models.base import VideoContext, VideoModel
from openvss.training.data.training_set import SampleSource
from openvss.training.data.vocabulary import UNKNOWN
from openvss.training.recipe.schema import Recipe
from openvss.video.pixels import Pixels

CHUNK = 4096


class SampleOrder:
    """An endless, mixed order of the items of several data sets.

    Each position draws its set by weight. Within a set every item comes once before any comes again, in
    another random order each time.

    Args:
        sizes: Items of each set.
        weights: Relative shares of the sets.
        seed: Of all random draws.
        group: So many consecutive positions come from one set.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int, group: int = 1) -> None:
        self._sizes, self._seed, self._group = tuple(sizes), seed, group
        self._upto = np.cumsum(np.asarray(weights, float) / sum(weights))
        self._upto[-1] = 1.0
        self._before = [np.zeros(len(sizes), np.int64)]  # groups of each set before each chunk
        self._permutation = functools.lru_cache(maxsize=2 * len(sizes))(self._shuffle)
        self._chunk = functools.lru_cache(maxsize=4)(self._draw)

    def at(self, position: int) -> tuple[int, int]:
        """The set and the item at a position."""
        group, within = divmod(position, self._group)
        chunk, place = divmod(group, CHUNK)
        while len(self._before) <= chunk:
            counts = np.bincount(self._chunk(len(self._before) - 1), minlength=len(self._sizes))
            self._before.append(self._before[-1] + counts)
        drawn = self._chunk(chunk)
        chosen = int(drawn[place])
        earlier = int(self._before[chunk][chosen]) + int(np.count_nonzero(drawn[:place] == chosen))
        lap, item = divmod(earlier * self._group + within, self._sizes[chosen])
        return chosen, int(self._permutation(chosen, lap)[item])

    def _draw(self, chunk: int) -> npt.NDArray[np.int64]:
        chance = np.random.default_rng((self._seed, 0, chunk)).random(CHUNK)
        return np.searchsorted(self._upto, chance, side="right")

    def _shuffle(self, chosen: int, lap: int) -> npt.NDArray[np.int64]:
        return np.random.default_rng((self._seed, 1 + chosen, lap)).permutation(self._sizes[chosen])


@dataclass(frozen=True, eq=False)
class Example:
    """One training example.

    Attributes:
        name: Its origin.
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
    """Makes examples with the references and context that a model takes."""

    def __init__(self, model: VideoModel, recipe: Recipe) -> None:
        self._clip, self._view = recipe.clip, recipe.view
        self._references = model.references
        wants = bool(model.context_frames(0, 1))
        self._context = recipe.clip.context if wants else "none"
        # Only the method that chooses: a worker process then does not need the whole model.
        self._own: Callable[[int, int], list[int]] | None = None
        if self._context == "own":
            self._own = model.context_frames

    def example(self, source: SampleSource, item: int, rng: random.Random) -> Example:
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
        self, source: SampleSource, clip: Clip, sample: Sample, rng: random.Random
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        pixels = [source.frame(clip, t) for t in sample.clip]
        masks = self._masks(source, clip, sample, pixels[-1])
        known = [mask for mask in masks if mask is not None]
        # A clip may be reversed only if the frames at both of its ends have labels.
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

    def _masks(self, source: SampleSource, clip: Clip, sample: Sample, target: Pixels) -> list[Ids | None]:
        """Labels of the clip's frames that are needed and exist."""
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
        self, source: SampleSource, clip: Clip, sample: Sample, rng: random.Random
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """The clip that a moving camera would have recorded of a picture."""
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
