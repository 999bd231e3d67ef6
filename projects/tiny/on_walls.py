"""What hangs on the walls of drawn rooms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from projects.tiny import coverings
from projects.tiny.boxes import Box
from projects.tiny.room_surfaces import RoomSurfaces
from projects.tiny.textures import Paint, covered, grey, patches

# Paintings are none of our words.
KINDS = ("nothing", "window", "window", "door", "painting", "painting", "mirror", "curtain", "towel")


@dataclass(frozen=True)
class Wall:
    """One wall.

    Attributes:
        plane: Metres of it to the right, or ahead if it is the `back`.
        start: Where it begins, along it.
        length: Of it.
        high: The room.
        inwards: -1 if the room is on the lower side of the plane, else 1.
        back: Whether it is across the view.
    """

    plane: float
    start: float
    length: float
    high: float
    inwards: int
    back: bool

    def panel(
        self,
        name: str,
        along: tuple[float, float],
        up: tuple[float, float],
        paint: Paint,
        thick: float = 0.03,
    ) -> Box:
        """Something flat on it, from where to where along it."""
        near, far = sorted((self.plane, self.plane + self.inwards * thick))
        left, right = (self.start + place for place in along)
        if self.back:
            return Box(name, (left, up[0], near), (right, up[1], far), paint)
        return Box(name, (near, up[0], left), (far, up[1], right), paint)


def hang(wall: Wall, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """Windows, doors, pictures and the like, side by side."""
    start = rng.uniform(0.1, 0.5)
    while (left := wall.length - start) > 0.6:
        wide = rng.uniform(0.5, min(2.2, left))
        yield from _one(wall, start, wide, surfaces, rng)
        start += wide + rng.uniform(0.2, 1.5)


def _one(wall: Wall, start: float, wide: float, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    kind = rng.choice(KINDS)
    low = rng.uniform(0.5, 1.1)
    high = min(low + rng.uniform(0.7, 1.5), wall.high - 0.15)
    along, frame = (start, start + wide), grey(rng, 0.1, 0.98)
    if kind == "window":
        panes = coverings.framed(surfaces.outside(), wide, high - low, rng.choice((1, 1, 2, 3)), frame)
        yield wall.panel(kind, along, (low, high), panes)
        yield from _before_window(wall, along, (low, high), surfaces, rng)
    elif kind == "door":
        wide = min(wide, 1)
        paint = coverings.doors(coverings.wood(rng), wide, rng.choice((0.7, 1, 3)), rng)
        yield wall.panel(kind, (start, start + wide), (0, min(2.1, wall.high - 0.1)), paint)
    elif kind == "painting":
        wide, low = 0.6 * wide, low + 0.3
        paint = coverings.framed(covered(patches(rng), rng.uniform(1, 3)), wide, high - low, 1, frame)
        yield wall.panel(kind, (start, start + wide), (low, high), paint)
    elif kind == "mirror":
        seen = surfaces.surface("wall", grey(rng, 0.3, 0.9), (0.5, 2))
        yield wall.panel(kind, along, (low, high), coverings.framed(seen, wide, high - low, 1, frame))
    elif kind == "curtain":
        yield wall.panel(kind, along, (0.05, wall.high - 0.1), surfaces.curtain(), 0.1)
    elif kind == "towel":
        yield wall.panel(kind, (start, start + min(wide, 0.6)), (low, high - 0.2), coverings.cloth(rng))


def _before_window(
    wall: Wall,
    along: tuple[float, float],
    up: tuple[float, float],
    surfaces: RoomSurfaces,
    rng: random.Random,
) -> Iterator[Box]:
    what = rng.choice(("nothing", "curtain", "curtain", "window blind"))
    (left, right), (low, high) = along, up
    if what == "curtain":
        paint, bottom, wide = surfaces.curtain(), rng.choice((0.05, low - 0.1)), 0.3 * (right - left)
        for edge in (left - 0.1, right - wide + 0.1):
            yield wall.panel(what, (edge, edge + wide), (bottom, high + 0.1), paint, 0.08)
    elif what == "window blind":
        yield wall.panel(what, along, (rng.uniform(low, high - 0.2), high), coverings.slats(rng), 0.06)
