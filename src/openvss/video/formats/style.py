"""How the outputs of a run look: what the user may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ImageColor

from openvss.errors import InputError
from openvss.storage.reading import read_text
from openvss.video.colours import OPACITY, Colour

MOST_BYTES = 20_000_000  # of a file of colours


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How the overlay is drawn, and the user's own colours, which hold for every output.

    Attributes:
        legend: Whether the overlay lists the words.
        opacity: How much of a pixel is its word's colour, 0 to 1.
        outlines: Whether regions have a line around them in their words' colours.
        side_by_side: Whether the frame without labels is shown to the left.
        colours: By word, for `class_infos`.

    Example:
        >>> import tempfile
        >>> import numpy as np, openvss
        >>> video = [np.zeros((48, 64, 3), np.uint8)] * 2  # or "clip.mp4"
        >>> style = openvss.OverlayStyle(outlines=True, opacity=0.0, colours={"dog": (255, 136, 0)})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = openvss.segment(video, "dog, grass", out=f"{folder}/a", style=style, size=64)
    """

    legend: bool = True
    opacity: float = OPACITY
    outlines: bool = False
    side_by_side: bool = False
    colours: Mapping[str, Colour] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise InputError(f"The opacity is a number from 0 to 1, such as {OPACITY}, not {self.opacity}.")

    def canvas(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the overlay of frames of a (width, height)."""
        width, height = size
        return (2 * width if self.side_by_side else width), height


def parse_colours(text: str) -> dict[str, Colour]:
    """Colours by word from `"dog=#ff8800, sky=blue"`, or from `@FILE` with one of them a line."""
    text = text.strip()
    if text.startswith("@"):
        lines = [line.strip() for line in _read(text[1:].strip()).splitlines()]
        parts = [line for line in lines if line and not line.startswith("#")]
    else:
        parts = text.split(",")
    return dict(map(_word_and_colour, parts))


def _read(path: str) -> str:
    try:
        return read_text(Path(path).expanduser(), MOST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a UTF-8 text file"
        raise InputError(
            f"Cannot read the colours in {path!r} ({reason}): name a text file after @."
        ) from error


def _word_and_colour(part: str) -> tuple[str, Colour]:
    word, equals, colour = (piece.strip() for piece in part.rpartition("="))
    if not (word and equals and colour):
        raise InputError(
            f"The colour {part.strip()!r} is not WORD=COLOUR: write, for example, dog=#ff8800 or sky=blue."
        )
    try:
        red, green, blue, *_ = ImageColor.getrgb(colour)
    except ValueError:
        raise InputError(
            f"{colour!r}, the colour of {word!r}, is not known: give a name such as blue, or #ff8800."
        ) from None
    return word, (red, green, blue)
