"""How much the ground truth of a video changes from one frame to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from openvss.data.base import Clip, Dataset, Ids
from openvss.errors import InputError
from openvss.evaluation.metrics.confusion import Confusion, mean_iou, pixel_accuracy


@dataclass(frozen=True)
class Overlap:
    """Of the masks of all pairs of frames, pooled; pixels that are ignored in either do not count.

    Attributes:
        pairs: How many there are.
        miou: The later mask scored against the earlier one, over the classes of the earlier ones.
        kept: Share of the pixels that keep their label.
    """

    pairs: int
    miou: float
    kept: float


def overlap(
    dataset: Dataset, gap: int = 1, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Overlap:
    """Compare each labelled frame with the one `gap` frames later, if that is labelled, too.

    Two masks are in memory at a time; `on_progress` is told how many clips are done and how many there are.
    """
    confusion = Confusion.empty(len(dataset.vocabulary))
    pairs = 0
    for number, clip in enumerate(dataset.clips, 1):
        for earlier, later in _pairs(dataset, clip, gap):
            counted = np.where(later == dataset.ignore, later, earlier)
            confusion.update(counted, later, dataset.ignore)
            pairs += 1
        on_progress(number, len(dataset.clips))
    if not pairs:
        frames = "consecutive frames" if gap == 1 else f"frames {gap} apart"
        raise InputError(
            f"No video of {dataset.name}, split {dataset.split}, has labels for {frames}: "
            "choose another split or --gap."
        )
    return Overlap(pairs, mean_iou(confusion), pixel_accuracy(confusion))


def _pairs(dataset: Dataset, clip: Clip, gap: int) -> Iterator[tuple[Ids, Ids]]:
    """The masks of frames t and t + gap; frames 0, gap, 2 gap, ... come first, so that each is read once."""
    for start in range(gap):
        seen: Ids | None = None
        for path, next_path in pairwise(clip.labels[start::gap]):
            if path is None or next_path is None:
                seen = None
                continue
            earlier = dataset.read_label(path) if seen is None else seen
            seen = dataset.read_label(next_path)
            _require_one_size(earlier, seen, next_path)
            yield earlier, seen


def _require_one_size(earlier: Ids, later: Ids, path: Path) -> None:
    if earlier.shape != later.shape:
        raise InputError(
            f"{path} differs in size from the labels before it: all frames of a video have one size."
        )
