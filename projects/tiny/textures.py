"""What drawn scenes are covered with: pieces of pictures, noise, rows of windows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from projects.tiny.data import Floats, Picture
from projects.tiny.pasting import unit

Mask = npt.NDArray[np.bool_]
Paint = Callable[[Floats, Floats], Floats]  # RGB at metres (along, up)

SIDE = 256  # pixels of a texture
SIDES = (32, 140)  # of what is cut for one, at least and at most
TRIES = 40  # to find pieces of a word in a picture
MOST = 6  # of them that are kept
SMALLEST = 4000  # pixels of a word worth trying
PURE = 0.94  # share of a piece that has to be the word


class Pieces:
    """Textures cut from pictures, where they show nothing but one word.

    Args:
        pictures: To cut from.
        names: Of our classes, by id.
        wanted: The words.
        seed: Of all chance.
    """

    def __init__(
        self, pictures: Sequence[Picture], names: Sequence[str], wanted: Sequence[str], seed: int
    ) -> None:
        rng = random.Random(f"{seed} pieces")
        kinds = {names.index(name): name for name in wanted if name in names}
        self._found: dict[str, list[Image.Image]] = {name: [] for name in wanted}
        for picture in pictures:
            ids = picture.ids()
            for kind, count in zip(*np.unique(ids, return_counts=True), strict=True):
                if kind in kinds and count > SMALLEST:
                    self._found[kinds[kind]] += islice(_squares(picture, ids == kind, rng), MOST)

    def draw(self, name: str, rng: random.Random) -> Floats | None:
        """A texture (SIDE, SIDE, 3), RGB in 0..1, mirrored, so without seams; none if no picture has one."""
        if not self._found[name]:
            return None
        piece = unit(rng.choice(self._found[name]))
        piece = np.concatenate([piece, piece[:, ::-1]], 1)
        return np.concatenate([piece, piece[::-1]])


def _squares(picture: Picture, wanted: Mask, rng: random.Random) -> Iterator[Image.Image]:
    least, most = SIDES
    for _ in range(TRIES if min(wanted.shape) > least else 0):
        side = rng.randint(least, min(most, *wanted.shape) - 1)
        y, x = (rng.randrange(n - side) for n in wanted.shape)
        if wanted[y : y + side, x : x + side].mean() > PURE:
            yield picture.pixels().crop((x, y, x + side, y + side)).resize((SIDE // 2, SIDE // 2))


def sample(texture: Floats, along: Floats, down: Floats) -> Floats:
    """A texture that repeats itself once a unit."""
    columns, rows = ((SIDE * c).astype(np.int64) % SIDE for c in (along, down))
    found: Floats = texture[rows, columns]
    return found


def noise(chance: np.random.Generator, coarsest: int) -> Floats:
    """A texture (SIDE, SIDE) of mean 0 and deviation 1: octaves of 1 to `coarsest` pixels."""
    total = np.zeros((SIDE, SIDE), np.float32)
    step = 1
    while step <= coarsest:
        cells = chance.standard_normal((SIDE // step, SIDE // step)).astype(np.float32)
        wider = SIDE + 4 * step
        padded = Image.fromarray(np.pad(cells, 2, mode="wrap"))
        smooth = np.asarray(padded.resize((wider, wider), Image.Resampling.BICUBIC))
        total += smooth[2 * step : -2 * step, 2 * step : -2 * step]
        step *= 2
    return (total - total.mean()) / total.std()


def fresh_noise(rng: random.Random, coarsest: int | None = None) -> Floats:
    """`noise` of its own, of any coarseness if none is given."""
    chance = np.random.default_rng(rng.getrandbits(63))
    return noise(chance, rng.choice((4, 16, 64)) if coarsest is None else coarsest)


def rough(colour: Floats, grain: Floats, contrast: float) -> Floats:
    """A texture of one colour with noise on it."""
    return (colour + contrast * grain[..., None]).clip(0, 1).astype(np.float32)


def rgb(*levels: float) -> Floats:
    """A colour."""
    return np.asarray(levels, np.float32)


def grey(rng: random.Random, darkest: float, lightest: float, tint: float = 0.03) -> Floats:
    """A colour that is nearly grey."""
    level = rng.uniform(darkest, lightest)
    return rgb(*(level + rng.uniform(-tint, tint) for _ in range(3))).clip(0, 1)


def any_colour(rng: random.Random) -> Floats:
    """Not too light."""
    return rgb(*(rng.uniform(0, 0.9) for _ in range(3)))


def covered(texture: Floats, metres: float) -> Paint:
    """A surface with a texture that is so many metres wide, upright at the ground."""
    return lambda along, up: sample(texture, along / metres, 0.5 - up / metres)


def patches(rng: random.Random) -> Floats:
    """A texture of coloured rectangles, as goods and posters in a window are."""
    shown = np.empty((SIDE, SIDE, 3), np.float32)
    shown[:] = grey(rng, 0.05, 0.6)
    for _ in range(60):
        y, x = rng.randrange(SIDE), rng.randrange(SIDE)
        shown[y : y + rng.randint(6, 60), x : x + rng.randint(6, 40)] = any_colour(rng)
    return shown


class Facade:
    """The front of a building: a wall with rows of windows and perhaps a shop below, as a `Paint`.

    Args:
        wall: Its texture.
        behind: What its windows show or mirror, if they are not plain.
        rng: Decides all else.
    """

    def __init__(self, wall: Floats, behind: Floats | None, rng: random.Random) -> None:
        self._wall = covered(wall, rng.uniform(1.5, 5))
        self._pitch = rng.uniform(1.6, 4.5), rng.uniform(2.6, 3.6)  # of windows, metres
        self._share = rng.uniform(0.3, 0.85), rng.uniform(0.4, 0.8)  # of the pitch that is window
        self._glass, self._frame = grey(rng, 0.03, 0.45), grey(rng, 0.1, 0.95)
        self._behind = None if behind is None else covered(behind, rng.uniform(2, 8))
        self._shine = np.float32(rng.uniform(0.3, 1))
        self._variety = np.float32(rng.uniform(0, 0.3))
        self._has_windows = rng.random() < 0.8
        self._shop = rng.uniform(2.2, 3.5) if rng.random() < 0.4 else 0.0  # its height
        self._shop_front = any_colour(rng)

    def __call__(self, along: Floats, up: Floats) -> Floats:
        """RGB at metres along the street and above the ground."""
        shown = self._wall(along, up)
        if self._has_windows:
            wide, high = self._pitch
            x, y, column, row = along / wide % 1, up / high % 1, along // wide, up // high
            aside = np.maximum(abs(x - 0.5) - self._share[0] / 2, abs(y - 0.55) - self._share[1] / 2)
            pane = aside < -0.04
            brightness = np.sin(12.9898 * column + 78.233 * row) * 43758.547 % 1  # its own for every window
            shown[aside < 0] = self._frame
            shown[pane] = self._glass + self._variety * brightness[pane, None].astype(np.float32)
            if self._behind is not None and not self._shop:
                shown[pane] = self._shine * self._behind(along[pane], up[pane])
        if self._shop:
            shop = up < self._shop
            glass = shop & (along % self._pitch[0] > 0.25) & (up > 0.4) & (up < self._shop - 0.7)
            shown[shop] = self._shop_front
            shown[glass] = self._glass + np.float32(0.15) * (up % 1)[glass, None]
            if self._behind is not None:
                shown[glass] = self._shine * self._behind(along[glass], up[glass])
        return shown.clip(0, 1)
