"""What the surfaces of one drawn street look like."""

from __future__ import annotations

import random

import numpy as np

from projects.tiny.data import Floats
from projects.tiny.textures import (
    Facade,
    Paint,
    Pieces,
    covered,
    grey,
    noise,
    patches,
    rgb,
    rough,
    sample,
)

TEXTURES = ("brick wall", "building", "fence", "grass", "house", "pavement", "road", "sky", "tree")
PLAIN = {  # colours where no picture has a texture
    "brick wall": (0.45, 0.3, 0.22),
    "fence": (0.35, 0.33, 0.3),
    "grass": (0.25, 0.35, 0.12),
    "tree": (0.2, 0.3, 0.1),
}


class Surfaces:
    """Of one street.

    Args:
        pieces: Of pictures, for `TEXTURES`.
        rng: Decides all.
    """

    def __init__(self, pieces: Pieces, rng: random.Random) -> None:
        self._pieces, self._rng = pieces, rng
        self._chance = np.random.default_rng(rng.getrandbits(63))
        self._grain = noise(self._chance, rng.choice((4, 16, 64)))

    def paint_of(self, word: str) -> Paint:
        """What something upright of a word looks like; a building is a front or all wall."""
        rng = self._rng
        if word != "building":
            return covered(self.texture(word), rng.uniform(1.5, 6))
        wall = self._pieces.draw(rng.choice(("building", "house", "brick wall")), rng)
        if wall is not None and rng.random() < 0.3:
            return covered(wall, rng.uniform(4, 9))
        if wall is None or rng.random() < 0.6:
            wall = self._wall()
        return Facade(wall, self._behind_glass(), rng)

    def _behind_glass(self) -> Floats | None:
        """What a window shows or mirrors: goods, the other side of the street; none if it is plain."""
        what = self._rng.choice(("plain", "plain", "goods", "tree", "sky", "building", "house"))
        if what == "plain":
            return None
        return patches(self._rng) if what == "goods" else self._pieces.draw(what, self._rng)

    def texture(self, word: str) -> Floats:
        """Of a word, from a picture if there is one."""
        piece = self._pieces.draw(word, self._rng)
        return rough(rgb(*PLAIN[word]), self._grain, 0.1) if piece is None else piece

    def _wall(self) -> Floats:
        """Plaster or bricks."""
        rng = self._rng
        warm = rgb(*rng.choice(((0, 0, 0), (0.1, 0, -0.1), (0.2, -0.05, -0.12), (0.1, 0.05, -0.05))))
        wall = rough(np.float32(rng.uniform(0.15, 0.9)) + warm, self._grain, rng.uniform(0.01, 0.06))
        if rng.random() < 0.4:
            wall[::8] *= 0.8
        return wall

    def stone(self, word: str, darkest: float, lightest: float) -> Floats:
        """A ground that is from a picture or made up, each as often."""
        piece = self._pieces.draw(word, self._rng)
        if piece is None or self._rng.random() < 0.5:
            return rough(grey(self._rng, darkest, lightest), self._grain, self._rng.uniform(0.01, 0.05))
        return piece

    def sky(self, size: int) -> Floats:
        """(size, size, 3)."""
        rng = self._rng
        x, y = np.meshgrid(*2 * [np.linspace(0, 0.45, size, dtype=np.float32)])
        piece = self._pieces.draw("sky", rng)
        if piece is not None and rng.random() < 0.4:
            return sample(piece, x, y)
        top, low = grey(rng, 0.6, 1, 0.02), grey(rng, 0.6, 1, 0.02)
        if rng.random() < 0.5:
            top = top * rgb(0.55, 0.75, 1)
        down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
        clouds = sample(noise(self._chance, 128), 2 * x, 2 * y)[..., None]
        return (top * (1 - down) + low * down + np.float32(rng.uniform(0, 0.05)) * clouds).astype(np.float32)
