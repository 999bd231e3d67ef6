"""Rendering: textured objects that move and turn before a sky and a ground that pass by.

Every pixel belongs wholly to one thing, without anti-aliasing, so that labels are exact.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from openvss.data.synthetic.compositions import COLOURS, RGB, Composition
from openvss.video.pixels import Pixels

FloatMap = npt.NDArray[np.float64]  # (H, W), or (H, W, 3) colours
Number = TypeVar("Number", np.float64, np.bool_)

# What official classes are painted with beside the colours that compose.
TONES: dict[str, tuple[RGB, RGB]] = {
    **COLOURS,
    "grey": ((120, 124, 130), (196, 199, 204)),
    "brown": ((132, 88, 54), (214, 182, 148)),
    "white": ((238, 238, 232), (190, 192, 198)),
    "black": ((30, 30, 34), (96, 96, 102)),
}
RIM = 0.12  # width of an object's dark edge, in radii
RIM_SHADE = 0.72  # brightness of that edge
PERIOD = 0.62  # of an object's texture, in radii
SKY, GROUND, FIRST_OBJECT = range(3)  # numbers of the things in a scene's labels


@dataclass(frozen=True)
class ThingMotion:
    """How an object moves, with the short side of the frame as the unit of length.

    Attributes:
        start: Where its centre is at first, x then y, as shares of the way from one bound to the other.
        step: How much of that way it moves in a frame; at the bounds it turns back.
        radius: Distance from its centre to its outermost point.
        angle: Its turn at first, in radians.
        spin: Its turn in a frame.
    """

    start: tuple[float, float]
    step: tuple[float, float]
    radius: float
    angle: float
    spin: float

    @classmethod
    def draw(cls, rng: random.Random, lane: float) -> ThingMotion:
        """A random motion; `lane` (0..1) says where along the width it starts, to keep objects apart."""
        return cls(
            start=(lane + rng.uniform(-0.1, 0.1), rng.random()),
            step=(rng.choice((-1, 1)) * rng.uniform(0.008, 0.03), rng.choice((-1, 1)) * rng.uniform(0, 0.03)),
            radius=rng.uniform(0.21, 0.29),
            angle=rng.uniform(-0.5, 0.5),
            spin=rng.uniform(-0.06, 0.06),
        )


@dataclass(frozen=True)
class Scene:
    """All that is to be seen in a video.

    Attributes:
        sky: Above the horizon.
        ground: Below it.
        objects: From back to front.
        motions: One for each object.
        horizon: As a share of the height.
        pan: How far, in short sides, the background passes by in a frame.
    """

    sky: Composition
    ground: Composition
    objects: tuple[Composition, ...]
    motions: tuple[ThingMotion, ...]
    horizon: float
    pan: float

    @classmethod
    def draw(
        cls, sky: Composition, ground: Composition, objects: Sequence[Composition], rng: random.Random
    ) -> Scene:
        """Put these things into a scene by chance."""
        lanes = [(i + 0.5) / len(objects) for i in range(len(objects))]
        rng.shuffle(lanes)
        motions = tuple(ThingMotion.draw(rng, lane) for lane in lanes)
        horizon, pan = rng.uniform(0.4, 0.6), rng.choice((-1, 1)) * rng.uniform(0.01, 0.03)
        return cls(sky, ground, tuple(objects), motions, horizon, pan)

    def render(self, t: int, size: tuple[int, int]) -> tuple[Pixels, npt.NDArray[np.uint8]]:
        """Frame `t` at a size (width, height): pixels, and 0 for sky, 1 for ground, 2.. for the objects."""
        width, height = size
        unit = min(size)
        x, y = np.meshgrid((np.arange(width) + 0.5) / unit, (np.arange(height) + 0.5) / unit)
        across, down = width / unit, height / unit
        horizon = self.horizon * down
        u = x + self.pan * t
        labels = np.where(y < horizon, SKY, GROUND).astype(np.uint8)
        sky = _paint(self.sky, u / 0.34, y / 0.34) * _column(1.06 - 0.14 * (horizon - y) / horizon)
        ground = _paint(self.ground, u / 0.3, (y - horizon) / 0.3)
        ground *= _column(0.9 + 0.16 * (y - horizon) / (down - horizon))
        picture = np.where(_column(y < horizon), sky, ground)
        for number, (look, motion) in enumerate(zip(self.objects, self.motions, strict=True), FIRST_OBJECT):
            inside, colour = _object(look, motion, t, (x, y), (across, down))
            picture = np.where(_column(inside), colour, picture)
            labels[inside] = number
        return picture.clip(0, 255).round().astype(np.uint8), labels


def _object(
    look: Composition,
    motion: ThingMotion,
    t: int,
    place: tuple[FloatMap, FloatMap],
    extent: tuple[float, float],
) -> tuple[npt.NDArray[np.bool_], FloatMap]:
    """Which pixels an object covers, and its colour everywhere."""
    margin = 0.75 * motion.radius
    centre = [
        margin + _to_and_fro(start + step * t) * (length - 2 * margin)
        for start, step, length in zip(motion.start, motion.step, extent, strict=True)
    ]
    angle = motion.angle + motion.spin * t
    dx, dy = place[0] - centre[0], place[1] - centre[1]
    u = (math.cos(angle) * dx + math.sin(angle) * dy) / motion.radius
    v = (math.cos(angle) * dy - math.sin(angle) * dx) / motion.radius
    depth = _depth(look.shape, u, v)
    rim = RIM_SHADE * np.array(TONES[look.colour][0])
    return depth > 0, np.where(_column(depth < RIM), rim, _paint(look, u / PERIOD + 0.25, v / PERIOD + 0.25))


def _depth(shape: str, u: FloatMap, v: FloatMap) -> FloatMap:
    """How deep inside a shape of radius 1 a point lies; below zero outside."""
    if shape == "disc":
        return 0.9 - np.hypot(u, v)
    if shape == "square":
        return 0.8 - np.maximum(abs(u), abs(v))
    if shape == "triangle":
        return np.minimum(0.5 - v, 0.5 + v / 2 - abs(u) * math.sqrt(0.75))
    # A star: the same wedge five times.
    wedge = 2 * math.pi / 5
    angle = np.mod(np.arctan2(u, -v) + wedge / 2, wedge) - wedge / 2
    distance = np.hypot(u, v)
    along, aside = distance * np.cos(angle), distance * abs(np.sin(angle))
    inner = 0.56  # radius of the notches
    notch = inner * math.cos(wedge / 2), inner * math.sin(wedge / 2)
    return ((1 - along) * notch[1] - aside * (1 - notch[0])) / math.hypot(1 - notch[0], notch[1])


def _paint(look: Composition, u: FloatMap, v: FloatMap) -> FloatMap:
    """(H, W, 3) colours; the pattern repeats when u or v grows by one."""
    main, second = (np.array(tone, dtype=np.float64) for tone in TONES[look.colour])
    return np.where(_column(_pattern(look.texture, u, v)), second, main)


def _pattern(texture: str, u: FloatMap, v: FloatMap) -> npt.NDArray[np.bool_]:
    if texture == "plain":
        return np.zeros(u.shape, dtype=np.bool_)
    if texture == "striped":
        return np.mod(u, 1) < 0.5
    if texture == "checked":
        return (np.mod(u, 1) < 0.5) ^ (np.mod(v, 1) < 0.5)
    # Dots: a square lattice, two to a period.
    return np.hypot(np.mod(2 * u, 1) - 0.5, np.mod(2 * v, 1) - 0.5) < 0.3


def _to_and_fro(way: float) -> float:
    """Fold a way of any length into 0..1, turning back at both ends."""
    return 1 - abs(1 - way % 2)


def _column(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    return values[..., None]
