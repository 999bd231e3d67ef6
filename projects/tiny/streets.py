"""Drawn streets, for what the collections hardly show: roads between pavements, poles, signs, cyclists.

Roads, pavements and fronts are in perspective and have textures cut from COCO's pictures, or made up; what
stands there is drawn or cut out of other pictures.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from projects.tiny import street_things as things
from projects.tiny.camera import Camera
from projects.tiny.data import IGNORE, Floats, Ids
from projects.tiny.pasting import Cutout, put, unit
from projects.tiny.surfaces import TEXTURES, Surfaces
from projects.tiny.textures import Paint, Pieces, covered, grey, rgb
from projects.tiny.views import Views, photographed

NEW_WORDS = ("cyclist", "pole", "street sign")  # that no data set labels
FINER = 2  # drawn so many times as large, so that edges are smooth
FAR = 1e9  # metres
SMALLEST = 3  # pixels of a metre where things are drawn
# What lines a street (grass: a gap), how often, least and greatest height: in metres, of a building as share
# of what is usual there.
BLOCKS = {
    "building": (12.0, 0.6, 1.5),
    "tree": (1.5, 2, 8),
    "fence": (1.0, 0.9, 2.2),
    "brick wall": (1.0, 0.9, 2.2),
    "grass": (1.5, 0, 0),
}
# What stands on a pavement: how many there may be, and between which shares of it, from the kerb.
BESIDE = {
    "pole": (range(6), 0.1, 0.4),
    "street sign": (range(3), 0.1, 0.4),
    "traffic light": (range(2), 0.1, 0.4),
    "person": ((0, 1, 3, 6), 0.1, 0.95),
    "bicycle": ((0, 0, 1, 3), 0.1, 0.9),
    "motorcycle": ((0, 0, 0, 2), -0.2, 0.4),
    "tree": ((0, 0, 2, 4), 0.2, 0.9),
}
DRAWN: dict[str, Callable[[float, random.Random], Iterator[things.Part]]] = {
    "bicycle": things.bicycle,
    "pole": things.pole,
    "street sign": things.street_sign,
    "traffic light": things.traffic_light,
}
PARKED = (0, 1, 4, 8)  # cars at a kerb
ON_ROAD = {"car": 3, "cyclist": 3, "bus": 1, "truck": 1, "motorcycle": 1, "person": 1}  # at most


@dataclass(frozen=True)
class Side:
    """One side of a street; x in metres from the camera.

    Attributes:
        towards: -1 for the left side, 1 for the right one.
        kerb: x where the pavement begins.
        front: x of the buildings.
        ends: z where the blocks end.
        heights: Of the blocks.
        words: Of the blocks.
        paints: Of the blocks.
    """

    towards: int
    kerb: float
    front: float
    ends: Floats
    heights: Floats
    words: tuple[str, ...]
    paints: tuple[Paint, ...]

    @property
    def paved(self) -> float:
        """Width of the pavement."""
        return abs(self.front - self.kerb)


class Streets:
    """Draws streets.

    Args:
        views: Whose pictures, cut-outs, size and seed they have.
        names: Of our classes, by id.
    """

    def __init__(self, views: Views, names: Sequence[str]) -> None:
        self.size, self._seed = views.size, views.seed
        self._ids = {name: i for i, name in enumerate(names)}
        self.pieces = Pieces(views.pictures["coco"], names, TEXTURES, views.seed)
        self._whole = {
            names[kind]: [one for one in those if _stands(one, names[kind])]
            for kind, those in views.cutouts.items()
        }

    def draw(self, number: int) -> tuple[Floats, Ids]:
        """RGB in 0..1 (size, size, 3) and ids (size, size) of a street; its number decides all."""
        rng = random.Random(f"{self._seed} street {number}")
        street = _Street(self, rng)
        return photographed(street.pixels, self.size, rng), street.ids[::FINER, ::FINER].copy()

    def id_of(self, name: str) -> int:
        """`IGNORE` for a word that is kept out of training."""
        return self._ids.get(name, IGNORE)

    def whole(self, name: str, rng: random.Random) -> Cutout | None:
        """A whole object of some picture, if there is one."""
        those = self._whole.get(name)
        return rng.choice(those) if those else None


def _stands(cutout: Cutout, name: str) -> bool:
    """Whether it looks like one whole object, upright."""
    width, height = cutout.size
    return cutout.is_whole() and (1.7 < height / width < 4 if name == "person" else height / width < 1.4)


def _far(distance: float, speed: Floats) -> Floats:
    """How long a ray is when it gets there, `FAR` if it never does."""
    return np.where(speed > 1e-4, np.float32(distance) / np.maximum(speed, np.float32(1e-4)), np.float32(FAR))


class _Street:
    """One street: sky, ground, what stands across its end, its sides, and the things in it, in this order."""

    def __init__(self, streets: Streets, rng: random.Random) -> None:
        self._streets, self._rng = streets, rng
        self._size = size = streets.size * FINER
        yaw = rng.gauss(0, 0.25) if rng.random() < 0.8 else rng.uniform(-1.2, 1.2)
        self._camera = Camera(
            size, size * rng.uniform(0.7, 1.6), rng.uniform(1.1, 2.2), yaw, rng.uniform(-0.12, 0.16)
        )
        self._surfaces = Surfaces(streets.pieces, rng)
        self._end = rng.uniform(40, 160)
        width = rng.uniform(4, 16)
        left = -rng.uniform(-0.5, width + 0.5)
        self._sides = self._side(left, -1), self._side(left + width, 1)
        self._width = width

        self.pixels = self._surfaces.sky(size)
        self.ids = np.full((size, size), streets.id_of("sky"), np.uint8)
        self._x, self._y, self._z = self._camera.rays()
        self._ground = _far(self._camera.height, self._y)
        self._draw_ground()
        self._draw_end()
        for side in self._sides:
            self._draw_side(side)
        self._draw_things()

    def _side(self, kerb: float, towards: int) -> Side:
        rng = self._rng
        front = kerb + towards * (rng.uniform(1.2, 6) if rng.random() < 0.9 else 12)
        usual, ends, heights, words, paints = rng.uniform(4, 16), [-20.0], [], [], []
        while ends[-1] < self._end:
            (word,) = rng.choices(list(BLOCKS), [often for often, *_ in BLOCKS.values()])
            high = rng.uniform(*BLOCKS[word][1:])
            ends.append(ends[-1] + rng.uniform(4, 22))
            heights.append(high * usual if word == "building" else high)
            words.append(word)
            paints.append(self._surfaces.paint_of(word))
        z, up = np.asarray(ends[1:], np.float32), np.asarray(heights, np.float32)
        return Side(towards, kerb, front, z, up, tuple(words), tuple(paints))

    def _draw_ground(self) -> None:
        rng = self._rng
        x, z = self._ground * self._x, self._ground * self._z
        road = self._surfaces.stone("road", 0.12, 0.6)
        shown = covered(road, 3)(x, z)
        labels = np.full(x.shape, self._streets.id_of("road"), np.uint8)
        self._draw_lines(shown, x, z)
        for side in self._sides:
            self._draw_pavement(shown, labels, x, z, side, road)
        if rng.random() < 0.5:  # a shadow
            edge = rng.uniform(self._sides[0].front, self._sides[1].front)
            ragged = edge + 1.5 * rng.random() * np.floor(np.sin(z // 9 * 12.9) * 438 % 1 * 3)
            shown[x < ragged if rng.random() < 0.5 else x > ragged] *= rng.uniform(0.35, 0.7)
        seen = (self._ground < FAR) & (z < self._end)
        self.pixels[seen], self.ids[seen] = shown[seen], labels[seen]

    def _draw_pavement(
        self, shown: Floats, labels: Ids, x: Floats, z: Floats, side: Side, road: Floats
    ) -> None:
        """From gutter to front; of the road's own material on two of five sides."""
        rng = self._rng
        beyond = (x - side.kerb) * side.towards
        paved = beyond > 0
        same = rng.random() < 0.4
        stone = covered(road if same else self._surfaces.stone("pavement", 0.2, 0.75), 2)(x, z)
        if same:
            stone *= np.float32(rng.uniform(0.8, 1.3))
        if rng.random() < 0.5:
            joints = (beyond % rng.uniform(0.4, 1) < 0.03) | (z % rng.uniform(0.4, 1.2) < 0.03)
            stone[joints] *= rng.uniform(0.7, 0.95)
        kerb = paved & (beyond < 0.18)
        stone[kerb] = (stone[kerb] + rng.uniform(-0.15, 0.3)).clip(0, 1)
        shown[paved], labels[paved] = stone[paved], self._streets.id_of("pavement")
        shown[(beyond > -0.12) & (beyond < 0.02)] *= rng.uniform(0.5, 1)
        green = beyond > side.paved * (rng.uniform(0.5, 0.9) if rng.random() < 0.3 else 1)
        shown[green] = covered(self._surfaces.texture("grass"), 2.5)(x[green], z[green])
        labels[green] = self._streets.id_of("grass")

    def _draw_lines(self, shown: Floats, x: Floats, z: Floats) -> None:
        """Lanes, lines along the kerbs, a crossing."""
        rng = self._rng
        white, yellow = rgb(0.85, 0.85, 0.85), rgb(0.75, 0.65, 0.25)
        lanes = rng.choice((1, 1, 2, 2, 3, 4))
        for lane in range(1, lanes):
            middle = self._sides[0].kerb + self._width * lane / lanes
            pitch, share = rng.uniform(3, 9), rng.choice((0.4, 0.6, 1))
            shown[(abs(x - middle) < 0.07) & (z % pitch < pitch * share)] = white
        for side in self._sides:
            if rng.random() < 0.5:
                colour = rng.choice((white, yellow))
                for off in (0.3, 0.55)[: rng.randint(1, 2)]:
                    shown[abs((x - side.kerb) * side.towards + off) < 0.06] = colour
        if rng.random() < 0.2:
            begin = rng.uniform(3, 20)
            shown[(z > begin) & (z < begin + 3) & (x % 1 < 0.5)] = white

    def _draw_end(self) -> None:
        """What stands across the end of the street, if anything."""
        rng = self._rng
        word = rng.choice(("building", "tree", ""))
        if not word:
            return
        far = _far(self._end, self._z)
        along, up = far * self._x, self._camera.height - far * self._y
        high = rng.uniform(4, 14) + rng.uniform(0, 3) * np.sin(along / rng.uniform(2, 9))
        seen = (far < FAR) & (up > 0) & (up < high)
        self.pixels[seen] = self._surfaces.paint_of(word)(along[seen], up[seen])
        self.ids[seen] = self._streets.id_of(word)

    def _draw_side(self, side: Side) -> None:
        far = _far(abs(side.front), self._x * side.towards)
        along, up = far * self._z, self._camera.height - far * self._y
        block = np.searchsorted(side.ends, along).clip(0, len(side.ends) - 1)
        seen = (far < self._ground) & (along > -20) & (along < self._end) & (up < side.heights[block])
        light = np.float32(self._rng.uniform(0.5, 1))
        for i in np.unique(block[seen]):
            here = seen & (block == i)
            self.pixels[here] = side.paints[i](along[here], up[here]) * light
            self.ids[here] = self._streets.id_of(side.words[i])

    def _draw_things(self) -> None:
        """What stands beside the road, railings, what is on it, each from the farthest to the nearest.

        From a camera on the road nothing beside it hides a point of it.
        """
        for place in sorted(self._beside(), reverse=True):
            self._draw_thing(*place)
        for side in self._sides:
            if self._rng.random() < 0.2:
                self._draw_railing(side.kerb + side.towards * 0.3)
        for place in sorted(self._on_road(), reverse=True):
            self._draw_thing(*place)

    def _beside(self) -> Iterator[tuple[float, float, str]]:
        """z, x and name of what is to stand on the pavements."""
        rng = self._rng
        for side in self._sides:
            for name, (counts, nearest, farthest) in BESIDE.items():
                for _ in range(rng.choice(counts)):
                    across = side.paved * rng.uniform(nearest, farthest)
                    yield self._depth(), side.kerb + side.towards * across, name

    def _on_road(self) -> Iterator[tuple[float, float, str]]:
        rng = self._rng
        for side in self._sides:
            for _ in range(rng.choice(PARKED)):
                yield self._depth(), side.kerb - side.towards * rng.uniform(0.8, 2), "car"
        for name, most in ON_ROAD.items():
            for _ in range(rng.randint(0, most)):
                yield self._depth(), self._sides[0].kerb + self._width * rng.uniform(0.1, 0.9), name

    def _depth(self) -> float:
        return math.exp(self._rng.uniform(math.log(4), math.log(min(60, self._end))))

    def _draw_thing(self, z: float, x: float, name: str) -> None:
        place = self._camera.see(x, z)
        if place is not None and SMALLEST < place[2] < self._size / 2:
            column, row, metre = place
            for part in self._parts(name, metre):
                height, width = part.cover.shape
                corner = round(column - width / 2), round(row - part.up) - height
                kind = None if part.name is None else self._streets.id_of(part.name)
                put(self.pixels, self.ids, part.shown, part.cover, corner, kind, part.hull)

    def _parts(self, name: str, metre: float) -> Iterator[things.Part]:
        """None of an object of which no picture has a whole one."""
        rng = self._rng
        if name in DRAWN:
            return DRAWN[name](metre, rng)
        if name == "tree":
            return things.tree(metre, rng, self._streets.pieces.draw("tree", rng))
        cutout = self._streets.whole("person" if name == "cyclist" else name, rng)
        if cutout is None:
            return iter(())
        if name == "cyclist":
            return things.cyclist(metre, rng, cutout)
        return things.object_of(name, metre, rng, cutout)

    def _draw_railing(self, x: float) -> None:
        """Bars and two rails."""
        rng = self._rng
        near = rng.uniform(2, 12)
        far = min(near + rng.uniform(5, 40), self._end)
        along = np.arange(near, far, 0.25).tolist()
        feet = [foot for z in along if (foot := self._camera.see(x, z)) is not None]
        if not feet:
            return
        bars, hull = (Image.new("L", (self._size, self._size)) for _ in range(2))
        pen, tall = ImageDraw.Draw(bars), rng.uniform(0.9, 1.3)
        for column, row, metre in feet:
            bar = [(column, row), (column, row - tall * metre)]
            pen.line(bar, fill=255, width=max(1, round(0.03 * metre)))
        for level in (0.15, 1):
            rail = [(c, r - level * tall * m) for c, r, m in feet]
            for ends, (_, _, metre) in zip(pairwise(rail), feet, strict=False):
                pen.line(ends, fill=255, width=max(1, round(0.05 * metre)))
        top = [(c, r - tall * m) for c, r, m in reversed(feet)]
        ImageDraw.Draw(hull).polygon([*((c, r) for c, r, _ in feet), *top], fill=255)
        shown = np.broadcast_to(grey(rng, 0.05, 0.8), self.pixels.shape)
        put(self.pixels, self.ids, shown, unit(bars), (0, 0), self._streets.id_of("fence"), unit(hull))
