"""Which frames a sample is made of: the target, its references and a distant frame.

Frames are numbered from 0 within their video. Distances are literal frames, farthest first: (9, 6, 3).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

MIN_GAP = 15  # one second of the 15 Hz videos that the distances are made for


@dataclass(frozen=True)
class Sample:
    """Numbers of the frames that one prediction looks at.

    Attributes:
        references: One per distance, farthest first; the earliest frame is repeated at the start of a video.
        target: The frame to label.
        distant: A frame far from these; the target itself where there is no other.
    """

    references: tuple[int, ...]
    target: int
    distant: int

    @property
    def clip(self) -> tuple[int, ...]:
        """References, then the target: the order in which a model takes them."""
        return (*self.references, self.target)


def references_of(t: int, references: Sequence[int], first: int = 0) -> tuple[int, ...]:
    """The frame at each distance before `t`; where the video has none, its `first` frame."""
    return tuple(max(first, t - distance) for distance in references)


def training_sample(
    t: int,
    n_frames: int,
    references: Sequence[int],
    rng: random.Random,
    *,
    min_gap: int = MIN_GAP,
    truncation: float = 0.0,
) -> Sample:
    """The frames to train on for target `t`, with a random distant frame.

    Args:
        t: The target.
        n_frames: Length of the video.
        references: Distances of the references.
        rng: Source of chance.
        min_gap: How many frames, at least 1, the distant frame should be away from the whole clip. A video
            too short for that gives any frame that is not of the clip, else any but the target.
        truncation: Probability that the video is taken to start within the clip, at a frame from just after
            the farthest reference up to the target: models then meet the start of a video, down to a single
            frame, as often as they need.
    """
    _check(t, n_frames)
    first = 0
    if references and rng.random() < truncation:
        first = rng.randint(max(0, t - max(references) + 1), t)
    chosen = references_of(t, references, first)
    return Sample(chosen, t, _distant((*chosen, t), n_frames, min_gap, rng))


def _distant(clip: tuple[int, ...], n_frames: int, min_gap: int, rng: random.Random) -> int:
    t = clip[-1]
    before = min(clip) - min_gap + 1  # frames 0 .. before - 1 are far enough
    after = t + min_gap
    n_before, n_after = max(0, before), max(0, n_frames - after)
    if n_before + n_after:
        pick = rng.randrange(n_before + n_after)
        return pick if pick < n_before else after + pick - n_before
    others = [f for f in range(n_frames) if f not in clip] or [f for f in range(n_frames) if f != t]
    return rng.choice(others) if others else t


def _check(t: int, n_frames: int) -> None:
    if not 0 <= t < n_frames:
        raise ValueError(f"frame {t} is outside a video of {n_frames} frames")
