"""Clips from stills: copies of one picture, shifted, scaled and re-lit as if a camera moved before it.

The motion is even: what is seen `d` frames before the target depends on `d` alone, so that one still gives
any clip and any distant frame. Labels move with the pixels.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from openvss.data.transforms import Draw

SECOND = 15  # frames


@dataclass(frozen=True)
class CameraMotion:
    """How fast the camera may be, all within one second of 15 frames.

    Attributes:
        shift: Largest distance, as a share of the view's side, along each axis.
        zoom: Largest change of size, as the logarithm of the factor.
        light: Largest change of brightness, likewise.
        distant: Where a distant frame is taken from at most, in seconds.
    """

    shift: float = 0.15
    zoom: float = 0.1
    light: float = 0.1
    distant: float = 2.0


@dataclass(frozen=True)
class CameraPath:
    """One motion; each number is what one second does."""

    down: float
    across: float
    zoom: float
    light: float

    def before(self, view: Draw, frames: float) -> Draw:
        """The view `frames` frames before the one that `view` shows; negative is later."""
        time = frames / SECOND
        height, width = (max(1, round(side * math.exp(self.zoom * time))) for side in view.size)
        top = _moved(view.top, view.crop[0], view.size[0], height, self.down * time)
        left = _moved(view.left, view.crop[1], view.size[1], width, self.across * time)
        gain = math.exp(self.light * time)
        colours = tuple(
            tuple((r * gain, g * gain, b * gain, o * gain) for r, g, b, o in one) for one in view.colours
        )
        return replace(view, size=(height, width), top=top, left=left, colours=colours)


def draw_path(motion: CameraMotion, rng: random.Random) -> CameraPath:
    """Choose a motion."""
    return CameraPath(
        down=rng.uniform(-motion.shift, motion.shift),
        across=rng.uniform(-motion.shift, motion.shift),
        zoom=rng.uniform(-motion.zoom, motion.zoom),
        light=rng.uniform(-motion.light, motion.light),
    )


def _moved(start: int, crop: int, old: int, new: int, way: float) -> int:
    """Where a view starts once its picture differs in size: its centre stays, then moves on."""
    centre = (start + crop / 2) / old * new
    moved = round(centre - crop / 2 + way * crop)
    return max(1 - crop, min(moved, new - 1))  # some of the picture stays in view
