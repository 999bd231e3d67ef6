"""What the surfaces of one drawn room look like."""

from __future__ import annotations

import random

from projects.tiny import coverings
from projects.tiny.data import Floats
from projects.tiny.textures import Paint, Pieces, any_colour, covered, fresh_noise, grey, rgb, rough

TEXTURES = (
    *("bed", "brick wall", "building", "ceiling", "couch", "curtain", "floor", "rug", "sky", "stone wall"),
    *("tile wall", "tree", "wall", "wood floor"),
)
WALLS = {"wall": 14, "tile wall": 3, "wood wall": 3, "brick wall": 1, "stone wall": 1}  # how often


class RoomSurfaces:
    """Of one room.

    Args:
        pieces: Of pictures, for `TEXTURES`.
        rng: Decides all.
    """

    def __init__(self, pieces: Pieces, rng: random.Random) -> None:
        self._pieces, self._rng = pieces, rng

    def surface(self, word: str, colour: Floats, metres: tuple[float, float] = (1, 4)) -> Paint:
        """Cut from a picture if there is one, or rough and of a colour, each as often."""
        piece = self._pieces.draw(word, self._rng)
        if piece is None or self._rng.random() < 0.5:
            piece = rough(colour, fresh_noise(self._rng), self._rng.uniform(0, 0.03))
        return covered(piece, self._rng.uniform(*metres))

    def cloth(self, word: str) -> Paint:
        """Of a bed, a couch or a rug; mostly made up."""
        if self._rng.random() < 0.6:
            return coverings.cloth(self._rng)
        return self.surface(word, any_colour(self._rng), (0.5, 2))

    def ceiling(self) -> tuple[str, Paint]:
        """Its word and its paint."""
        return "ceiling", self.surface("ceiling", grey(self._rng, 0.5, 0.98))

    def floor(self) -> tuple[str, Paint]:
        """Boards, a carpet, or stone with tiles or without."""
        rng = self._rng
        word = rng.choices(("wood floor", "rug", "floor"), (4, 2, 4))[0]
        if word == "wood floor":
            piece = self._pieces.draw(word, rng)
            if piece is not None and rng.random() < 0.5:
                return word, covered(piece, 2)
            return word, coverings.tiled(coverings.wood(rng), 1.2, rng.uniform(0.06, 0.2), rng)
        if word == "rug":
            return word, self.cloth(word)
        paint, side = self.surface(word, grey(rng, 0.2, 0.9, 0.06)), rng.uniform(0.2, 0.6)
        return word, coverings.tiled(paint, side, side, rng) if rng.random() < 0.6 else paint

    def wall(self) -> tuple[str, Paint]:
        """Painted, papered, of tiles, boards, bricks or stones."""
        rng = self._rng
        (word,) = rng.choices(list(WALLS), list(WALLS.values()))
        if word == "wall":
            if rng.random() < 0.15:
                return word, coverings.cloth(rng)
            tone = grey(rng, 0.35, 0.98, 0.05) if rng.random() < 0.7 else any_colour(rng)
            return word, self.surface(word, tone)
        if word == "tile wall":
            paint, wide = self.surface(word, grey(rng, 0.3, 0.95, 0.08)), rng.uniform(0.06, 0.3)
            return word, coverings.tiled(paint, wide, wide * rng.choice((0.5, 1, 1)), rng)
        if word == "wood wall":
            long, board = 9, rng.uniform(0.08, 0.25)
            wide, high = rng.choice(((long, board), (board, long)))
            return word, coverings.tiled(coverings.wood(rng), wide, high, rng)
        if word == "brick wall":
            return word, coverings.tiled(self.surface(word, rgb(0.5, 0.3, 0.22)), 0.25, 0.08, rng)
        return word, self.surface(word, grey(rng, 0.3, 0.6, 0.06))

    def curtain(self) -> Paint:
        """Hanging cloth."""
        piece = self._pieces.draw("curtain", self._rng)
        if piece is not None and self._rng.random() < 0.3:
            return covered(piece, self._rng.uniform(0.6, 2))
        return coverings.folded(coverings.cloth(self._rng), self._rng)

    def outside(self) -> Paint:
        """What is seen through a window: often nothing but light."""
        piece = self._pieces.draw(self._rng.choice(("sky", "tree", "building")), self._rng)
        if piece is None or self._rng.random() < 0.4:
            return coverings.plain(grey(self._rng, 0.7, 1))
        return covered(piece, self._rng.uniform(2, 5))

    def stone(self) -> Paint:
        """Of a counter."""
        return covered(rough(grey(self._rng, 0.1, 0.9), fresh_noise(self._rng, 4), 0.05), 1)
