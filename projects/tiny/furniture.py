"""Furniture of drawn rooms, put together from boxes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from projects.tiny import coverings
from projects.tiny.boxes import Box
from projects.tiny.room_surfaces import RoomSurfaces
from projects.tiny.textures import grey


@dataclass(frozen=True)
class Place:
    """Where a piece stands: its left front corner on the floor and its size, in metres."""

    x: float
    z: float
    wide: float
    high: float
    deep: float

    def box(
        self,
        name: str,
        across: tuple[float, float] = (0, 1),
        up: tuple[float, float] = (0, 1),
        ahead: tuple[float, float] = (0, 1),
    ) -> Callable[..., Box]:
        """A box of a word that takes shares of the place; it still wants paint."""
        low = self.x + across[0] * self.wide, up[0] * self.high, self.z + ahead[0] * self.deep
        high = self.x + across[1] * self.wide, up[1] * self.high, self.z + ahead[1] * self.deep
        return lambda paint, flat=None: Box(name, low, high, paint, flat)


Maker = Callable[[Place, RoomSurfaces, random.Random], Iterator[Box]]


def bed(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """A base, a mattress, a head, and pillows, which may be called bed as well: no word of ours."""
    quilt, pillow = surfaces.cloth("bed"), coverings.cloth(rng)
    board = coverings.wood(rng) if rng.random() < 0.7 else coverings.cloth(rng)
    head, thick = 1 + rng.uniform(0.4, 1.3), 1 + rng.uniform(0.15, 0.4)  # shares of the height
    yield place.box("bed", up=(rng.uniform(0, 0.25), 0.55))(coverings.wood(rng))
    yield place.box("bed", (-0.01, 1.01), (0.5, 1))(quilt)
    end = rng.choice(("back", "left", "right"))
    if end == "back":
        yield place.box("bed", up=(0, head), ahead=(0.97, 1))(board)
        for i in range(pillows := 2 if place.wide > 1.2 else 1):
            across = (i + 0.1) / pillows, (i + 0.9) / pillows
            yield place.box("bed pillow", across, (1, thick), (0.72, 0.97))(pillow)
    else:
        left = end == "left"
        yield place.box("bed", (0, 0.03) if left else (0.97, 1), (0, head))(board)
        yield place.box("bed pillow", (0.03, 0.25) if left else (0.75, 0.97), (1, thick), (0.1, 0.9))(pillow)


def couch(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """A seat, a back, arms and cushions."""
    cover, arm = surfaces.cloth("couch"), rng.uniform(0.05, 0.12)
    yield place.box("couch", up=(0.06, 0.5))(coverings.doors(cover, place.wide / 2, 3, rng), cover)
    yield place.box("couch", up=(0.06, 1), ahead=(0.7, 1))(cover)
    for across in ((0, arm), (1 - arm, 1)):
        yield place.box("couch", across, (0.06, 0.75))(cover)
    for _ in range(rng.randint(0, 3)):
        left = rng.uniform(arm, 0.8 - arm)
        yield place.box("pillow", (left, left + 0.2), (0.5, 0.9), (0.5, 0.65))(coverings.cloth(rng))


def table(place: Place, surfaces: RoomSurfaces, rng: random.Random, name: str = "table") -> Iterator[Box]:
    """A top on legs, often with a cloth where one dines."""
    timber, leg, thick = coverings.wood(rng), rng.uniform(0.03, 0.08), rng.uniform(0.03, 0.1)
    laid = name == "dining table" and rng.random() < 0.4
    top = coverings.cloth(rng) if laid else timber
    yield place.box(name, up=(1 - (rng.uniform(thick, 0.45) if laid else thick), 1))(top)
    for across in ((0.03, 0.03 + leg), (0.97 - leg, 0.97)):
        for ahead in ((0.03, 0.03 + leg), (0.97 - leg, 0.97)):
            yield place.box(name, across, (0, 1 - thick), ahead)(timber)


def dining_table(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """The same by another name."""
    return table(place, surfaces, rng, "dining table")


def cabinet(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """Doors or drawers; low ones often carry a counter."""
    wide = place.wide / max(1, round(place.wide / rng.uniform(0.4, 0.7)))
    front = coverings.doors(coverings.wood(rng), wide, place.high / rng.choice((1, 1, 2, 3, 4)), rng)
    yield place.box("cabinet")(front, coverings.wood(rng))
    if place.high < 1 and rng.random() < 0.6:
        yield place.box("counter", up=(1, 1.06), ahead=(-0.05, 1))(surfaces.stone())


def shelf(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """With books on it."""
    yield place.box("shelf")(coverings.wood(rng))
    yield place.box("book", (0.03, 0.97), (0.03, 0.97), (-0.02, 0))(coverings.books(rng))


def refrigerator(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """One door above the other."""
    paint = coverings.plain(grey(rng, 0.1, 0.95))
    yield place.box("refrigerator")(coverings.doors(paint, place.wide, 0.62 * place.high, rng))


def oven(place: Place, surfaces: RoomSurfaces, rng: random.Random) -> Iterator[Box]:
    """Dark glass in a frame, and a plate."""
    glass = coverings.plain(grey(rng, 0.02, 0.15))
    front = coverings.framed(glass, place.wide, place.high, 1, grey(rng, 0.1, 0.95))
    yield place.box("oven")(front, coverings.plain(grey(rng, 0.03, 0.3)))


# Who makes them, how often they stand along a wall, and between which sizes: wide, high, deep.
PIECES: dict[Maker, tuple[int, tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    bed: (1, (0.9, 2), (0.4, 0.7), (1.9, 2.2)),
    couch: (2, (1.3, 2.4), (0.7, 1), (0.8, 1)),
    cabinet: (4, (0.6, 2.5), (0.5, 2.2), (0.4, 0.65)),
    table: (1, (0.6, 1.6), (0.5, 0.8), (0.4, 0.8)),
    dining_table: (0, (0.8, 2), (0.65, 0.8), (0.7, 1.3)),
    shelf: (1, (0.6, 1.8), (0.8, 2.2), (0.25, 0.4)),
    refrigerator: (1, (0.55, 0.8), (1.4, 1.9), (0.6, 0.7)),
    oven: (1, (0.5, 0.7), (0.8, 0.9), (0.55, 0.65)),
}


def turned(box: Box, wall: float, start: float, deep: float, towards: int) -> Box:
    """A box of a piece that was made at the origin, `deep`, with its back to a wall at the side.

    Args:
        box: Is turned.
        wall: Metres to the right.
        start: Where along the wall the piece begins.
        deep: The piece is.
        towards: -1 for a wall on the left, 1 for one on the right.
    """
    (left, low, front), (right, high, back) = box.low, box.high
    near, far = sorted(wall - towards * (deep - z) for z in (front, back))
    flat = box.flat
    swapped = None if flat is None else lambda across, ahead: flat(ahead, across)
    return Box(box.name, (near, low, start + left), (far, high, start + right), box.paint, swapped)


def size_of(maker: Maker, rng: random.Random) -> tuple[float, float, float]:
    """Wide, high and deep."""
    _, wide, high, deep = PIECES[maker]
    return rng.uniform(*wide), rng.uniform(*high), rng.uniform(*deep)
