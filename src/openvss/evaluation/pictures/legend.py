"""The words of a picture with their colours, in as many lines as they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import ImageDraw

from openvss.data.base import Ids
from openvss.evaluation.pictures.canvas import INK, swatch
from openvss.video.colours import Colour
from openvss.video.lettering import fitted, length, write

# In sizes of the type: height of a line, side of a colour, gap beside it
LINE, SIDE, SPACE = 1.55, 0.85, 0.4

Lines = list[list[tuple[int, str]]]


def legend_lines(names: Sequence[str], maps: Iterable[Ids], size: int, width: float) -> Lines:
    """Lines of ids and names of the words that occur, largest first.

    The last of the names, which ends them, is for ids beyond the others.
    """
    counts = np.zeros(len(names), dtype=np.int64)
    for ids in maps:
        counts += np.bincount(np.minimum(ids, len(names) - 1).ravel(), minlength=len(names))
    largest = np.argsort(-counts[:-1], kind="stable").tolist()
    lines: Lines = [[]]
    used = 0.0
    for word in (word for word in [*largest, len(names) - 1] if counts[word]):
        name = fitted(names[word], size, width - (SIDE + SPACE) * size)
        needed = _width(name, size)
        if lines[-1] and used + needed > width + SIDE * size:  # the last entry needs no gap behind it
            lines.append([])
            used = 0.0
        lines[-1].append((word, name))
        used += needed
    return lines


def legend_height(lines: Lines, size: int) -> int:
    """How tall the lines are."""
    return round(LINE * size) * len(lines)


def draw_legend(
    draw: ImageDraw.ImageDraw, lines: Lines, colours: Sequence[Colour], size: int, corner: tuple[int, int]
) -> None:
    """Draw the lines, their top left corner at `corner`."""
    left, top = corner
    for number, line in enumerate(lines):
        x, middle = float(left), top + round(LINE * size) * (number + 0.5)
        for word, name in line:
            swatch(draw, x, middle, colours[word], round(SIDE * size))
            write(draw, (x + (SIDE + SPACE) * size, middle), name, INK, size, "lm")
            x += _width(name, size)


def _width(name: str, size: int) -> float:
    return (2 * SIDE + SPACE) * size + length(name, size)
