"""Words that compose: a colour, a texture and a shape, such as "red striped disc" or "green checked ground".

One combination in four is unseen: kept for testing, while every colour, texture and shape, and every pair of
them, also occurs among the seen ones. Who has learnt what the words mean knows the unseen ones too.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]

# The colour itself, and the tone that textures draw on it.
COLOURS: dict[str, tuple[RGB, RGB]] = {
    "red": ((206, 44, 49), (250, 204, 200)),
    "orange": ((240, 132, 28), (255, 226, 190)),
    "yellow": ((245, 205, 40), (255, 248, 205)),
    "green": ((52, 152, 72), (202, 236, 200)),
    "blue": ((46, 98, 205), (198, 219, 252)),
    "purple": ((128, 66, 176), (229, 207, 245)),
}
TEXTURES = ("plain", "striped", "dotted", "checked")
OBJECTS = ("disc", "square", "triangle", "star")
REGIONS = ("ground", "sky")
SHAPES = (*OBJECTS, *REGIONS)


@dataclass(frozen=True)
class Composition:
    """What something looks like.

    Attributes:
        colour: Of `COLOURS`.
        texture: Of `TEXTURES`.
        shape: Of `SHAPES`.
    """

    colour: str
    texture: str
    shape: str

    @property
    def word(self) -> str:
        """Such as "red striped disc"."""
        return f"{self.colour} {self.texture} {self.shape}"


def compositions() -> tuple[Composition, ...]:
    """All combinations; their positions are the class ids of the `folder` layouts."""
    return tuple(Composition(c, t, s) for s in SHAPES for c in COLOURS for t in TEXTURES)


def seen() -> tuple[Composition, ...]:
    """Those to train on."""
    return tuple(c for c in compositions() if not _is_unseen(c))


def unseen() -> tuple[Composition, ...]:
    """Those to keep for testing."""
    return tuple(c for c in compositions() if _is_unseen(c))


def _is_unseen(look: Composition) -> bool:
    # Diagonals of the cube of combinations: no line of the cube lies wholly in them.
    place = list(COLOURS).index(look.colour) + TEXTURES.index(look.texture) + SHAPES.index(look.shape)
    return place % 4 == 3
