"""Drawn rooms, for what few pictures show: beds, cabinets, ceilings, curtains, tiled walls.

A room is a box with windows and doors, furniture made of boxes, and objects cut out of other pictures.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from projects.tiny import coverings
from projects.tiny.boxes import AHEAD, SIDEWAYS, UPWARDS, Box, Scene
from projects.tiny.camera import Camera
from projects.tiny.data import IGNORE, Floats, Ids
from projects.tiny.furniture import PIECES, Maker, Place, bed, dining_table, size_of, turned
from projects.tiny.on_walls import Wall, hang
from projects.tiny.pasting import Cutout, cut, put
from projects.tiny.room_surfaces import TEXTURES, RoomSurfaces
from projects.tiny.textures import Pieces, grey
from projects.tiny.views import Views, photographed

FINER = 2  # drawn so many times as large, so that edges are smooth
BEHIND = 3  # metres of the room behind the camera
IN_FRONT = 0.4  # metres to what stands before the camera
SMALLEST = 8  # pixels of a thing worth putting there
ON_FLOOR = {  # metres high
    "backpack": 0.5,
    "bench": 0.8,
    "cat": 0.35,
    "chair": 0.9,
    "dog": 0.5,
    "person": 1.7,
    "potted plant": 0.8,
    "suitcase": 0.6,
    "teddy bear": 0.5,
    "toilet": 0.75,
}
ON_TOP = {  # of tables and cabinets
    "book": 0.2,
    "bottle": 0.28,
    "bowl": 0.1,
    "cake": 0.15,
    "cat": 0.3,
    "cup": 0.11,
    "keyboard": 0.1,
    "laptop": 0.28,
    "microwave": 0.32,
    "pizza": 0.12,
    "potted plant": 0.35,
    "sandwich": 0.1,
    "teddy bear": 0.35,
    "tv": 0.5,
    "vase": 0.3,
    "wine glass": 0.2,
}
TOPS = ("cabinet", "counter", "dining table", "table")


class Rooms:
    """Draws rooms.

    Args:
        views: Whose pictures, size and seed they have.
        names: Of our classes, by id.
    """

    def __init__(self, views: Views, names: Sequence[str]) -> None:
        self.size, self._seed = views.size, views.seed
        self._ids = {name: i for i, name in enumerate(names)}
        self.pieces = Pieces(views.pictures["coco"], names, TEXTURES, views.seed)
        self._cutouts: dict[str, list[Cutout]] = {name: [] for name in (*ON_FLOOR, *ON_TOP)}
        for picture in (*views.pictures["voc"], *views.pictures["coco"]):
            for kind in np.unique(picture.ids()).tolist():
                name = names[kind] if kind < len(names) else ""
                cutout = cut(picture, kind) if name in self._cutouts else None
                if cutout is not None and _stands(cutout, name):
                    self._cutouts[name].append(cutout)

    def draw(self, number: int) -> tuple[Floats, Ids]:
        """RGB in 0..1 (size, size, 3) and ids (size, size) of a room; its number decides all."""
        rng = random.Random(f"{self._seed} room {number}")
        scene = _Room(self, rng).scene
        return photographed(scene.pixels, self.size, rng), scene.ids[::FINER, ::FINER].copy()

    def id_of(self, name: str) -> int:
        """`IGNORE` for a word that is kept out of training."""
        return self._ids.get(name, IGNORE)

    def object(self, name: str, rng: random.Random) -> Cutout | None:
        """Cut out of some picture, if there is one."""
        return rng.choice(self._cutouts[name]) if self._cutouts[name] else None


def _stands(cutout: Cutout, name: str) -> bool:
    """Whether it looks like one whole object; people are upright."""
    width, height = cutout.size
    return cutout.is_whole() and (name != "person" or 1.7 < height / width < 4)


class _Room:
    """One room: its walls and what hangs there, its furniture, and the things in it."""

    def __init__(self, rooms: Rooms, rng: random.Random) -> None:
        self._rooms, self._rng = rooms, rng
        self._surfaces = RoomSurfaces(rooms.pieces, rng)
        self._left, self._right = -rng.uniform(0.7, 3), rng.uniform(0.7, 3)
        self._back, self._high = rng.uniform(2.2, 6.5), rng.uniform(2.3, 3.4)
        size = rooms.size * FINER
        focal, height = size * rng.uniform(0.6, 1.5), rng.uniform(0.9, 1.8)
        self._camera = Camera(size, focal, height, rng.gauss(0, 0.35), rng.uniform(-0.15, 0.5))
        light = rng.uniform(0.6, 1.1), rng.uniform(0.8, 1.1), rng.uniform(0.6, 1.1)
        self.scene = Scene(self._camera, light, rooms.id_of)
        self._tops: list[Box] = []
        self._build()
        for box in (*self._on_walls(), *self._along_walls(), *self._in_the_middle()):
            self.scene.put(box)
        self._put_things()

    def _build(self) -> None:
        sides = self._surfaces.wall()
        faces = {(axis, higher): sides for axis in (SIDEWAYS, AHEAD) for higher in (False, True)}
        if self._rng.random() < 0.25:
            faces[AHEAD, True] = self._surfaces.wall()
        faces[UPWARDS, False], faces[UPWARDS, True] = self._surfaces.floor(), self._surfaces.ceiling()
        low, high = (self._left, 0, -BEHIND), (self._right, self._high, self._back)
        self.scene.stand_in(low, high, faces)

    def _on_walls(self) -> Iterator[Box]:
        """Windows, doors and the like, and a lamp."""
        rng = self._rng
        wide = self._right - self._left
        for wall in (
            Wall(self._left, 0, self._back, self._high, 1, back=False),
            Wall(self._back, self._left, wide, self._high, -1, back=True),
            Wall(self._right, 0, self._back, self._high, -1, back=False),
        ):
            yield from hang(wall, self._surfaces, rng)
        if rng.random() < 0.3:
            x, up, z = self._across(0.4), self._high - rng.uniform(0.1, 0.8), rng.uniform(1, self._back)
            bright = coverings.plain(grey(rng, 0.85, 1))
            yield Box("light", (x, up, z - 0.2), (x + 0.4, up + 0.1, z + 0.2), bright)

    def _along_walls(self) -> Iterator[Box]:
        """Furniture side by side, with gaps."""
        rng, width = self._rng, self._right - self._left
        often = [often for often, *_ in PIECES.values()]
        for towards, wall, length in (
            (0, self._back, width),
            (-1, self._left, self._back - IN_FRONT),
            (1, self._right, self._back - IN_FRONT),
        ):
            start = rng.uniform(0, 0.5)
            while True:
                (maker,) = rng.choices(list(PIECES), often)
                wide, high, deep = size_of(maker, rng)
                if start + wide > length:
                    break
                if not towards:
                    yield from self._make(maker, Place(self._left + start, wall - deep, wide, high, deep))
                elif deep < width:
                    along = self._back - start - wide
                    made = maker(Place(0, 0, wide, high, deep), self._surfaces, rng)
                    yield from self._use(turned(box, wall, along, deep, towards) for box in made)
                start += wide + rng.choice((0, 0, 0.3, 1))

    def _in_the_middle(self) -> Iterator[Box]:
        """A rug, a table or a bed, perhaps right before the camera."""
        rng = self._rng
        if rng.random() < 0.35:
            wide, deep = rng.uniform(0.8, 2), rng.uniform(0.8, 2)
            rug = Place(self._across(wide), self._ahead(IN_FRONT, deep), wide, 0.015, deep)
            yield rug.box("rug")(self._surfaces.cloth("rug"))
        maker = rng.choices((dining_table, bed, None), (6, 2, 2))[0]
        if maker is not None:
            wide, high, deep = size_of(maker, rng)
            nearest = IN_FRONT if maker is dining_table else 2 * IN_FRONT
            yield from self._make(
                maker, Place(self._across(wide), self._ahead(nearest, deep), wide, high, deep)
            )

    def _across(self, wide: float) -> float:
        """Where something of a width may begin."""
        return self._rng.uniform(self._left, max(self._left, self._right - wide))

    def _ahead(self, nearest: float, deep: float) -> float:
        """Where something of a depth may begin, at most 2.5 m away."""
        return self._rng.uniform(nearest, max(nearest, min(2.5, self._back - deep)))

    def _make(self, maker: Maker, place: Place) -> Iterator[Box]:
        return self._use(maker(place, self._surfaces, self._rng))

    def _use(self, piece: Iterable[Box]) -> Iterator[Box]:
        """The highest top of a piece may carry things."""
        boxes = list(piece)
        tops = [box for box in boxes if box.name in TOPS]
        self._tops += [max(tops, key=lambda box: box.high[1])] if tops else []
        yield from boxes

    def _put_things(self) -> None:
        """From the farthest to the nearest."""
        for z, x, up, name in sorted((*self._on_floor(), *self._on_tops()), reverse=True):
            self._put_thing(x, up, z, name)

    def _on_floor(self) -> Iterator[tuple[float, float, float, str]]:
        for _ in range(self._rng.randint(0, 4)):
            x, z = self._across(0), self._rng.uniform(1.2, self._back)
            yield z, x, 0, self._rng.choice(list(ON_FLOOR))

    def _on_tops(self) -> Iterator[tuple[float, float, float, str]]:
        for top in self._tops:
            for _ in range(self._rng.choice((0, 1, 2, 4))):
                x, z = (self._rng.uniform(top.low[axis], top.high[axis]) for axis in (SIDEWAYS, AHEAD))
                yield z, x, top.high[1], self._rng.choice(list(ON_TOP))

    def _put_thing(self, x: float, up: float, z: float, name: str) -> None:
        """Flat, facing the camera, behind what is nearer."""
        rng = self._rng
        cutout, place = self._rooms.object(name, rng), self._camera.see(x, z, up)
        if cutout is None or place is None:
            return
        column, row, metre = place
        tall = (ON_TOP if up else ON_FLOOR)[name] * rng.uniform(0.8, 1.25)
        wide, high = cutout.size
        height = round(tall * metre)
        width = round(height * wide / high)
        if min(width, height) < SMALLEST or max(width, height) > 1.5 * self._camera.size:
            return
        shown, cover = cutout.varied(width, height, rng)
        left, upper = round(column - width / 2), round(row) - height
        cover = cover * self.scene.behind(z, (left, upper), (width, height))
        put(self.scene.pixels, self.scene.ids, shown, cover, (left, upper), self._rooms.id_of(name))
