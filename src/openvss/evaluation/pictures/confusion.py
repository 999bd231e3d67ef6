"""The confusion picture: of the pixels of a class (rows), which word did they get (columns)?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    PAPER,
    RULE,
    Shares,
    blank,
    scaled,
)
from openvss.video.lettering import fitted, length, write

MOST_CLASSES = 40  # the largest in the ground truth are shown
ROOMY = 20  # up to as many, the cells carry numbers
NAMES, HEADS = 220, 170
TYPE = 15
ANGLE = 60  # of the columns' names, in degrees
STEEPNESS = 0.87  # its sine


def draw_confusion(counts: npt.NDArray[np.int64], names: Sequence[str], title: str) -> Image.Image:
    """Counts (classes, classes + 1): truth by prediction, the last column for pixels without a valid word."""
    shown = _shown(counts)
    columns = [*(names[i] for i in shown), "other", "unlabelled"]
    rows = counts[shown]
    kept = rows[:, shown]
    other = rows[:, :-1].sum(axis=1) - kept.sum(axis=1)
    table = np.column_stack([kept, other, rows[:, -1]])
    used = np.ones(len(columns), dtype=bool)
    used[-2:] = table[:, -2:].any(axis=0)
    table, columns = table[:, used], [name for name, keep in zip(columns, used, strict=True) if keep]
    shares = table / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    return _draw(shares, [names[i] for i in shown], columns, title)


def _shown(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The classes of the picture in id order: those of the ground truth, the largest if there are many."""
    sizes = counts.sum(axis=1)
    largest = np.argsort(-sizes, kind="stable")[:MOST_CLASSES]
    return np.sort(largest[sizes[largest] > 0])


def _draw(shares: Shares, rows: Sequence[str], columns: Sequence[str], title: str) -> Image.Image:
    cell = 44 if len(rows) <= ROOMY else 24
    heads = [fitted(name, TYPE, HEADS) for name in columns]
    rise = round(STEEPNESS * max(length(head, TYPE) for head in heads))
    left, top = MARGIN + NAMES, MARGIN + 64 + rise
    right, bottom = left + cell * len(columns), top + cell * len(rows)
    sheet, draw = blank(max(right + MARGIN + HEADS // 2, 640), bottom + MARGIN + 30)
    write(draw, (MARGIN, MARGIN), fitted(title, 22, sheet.width - 2 * MARGIN), INK, 22, "lt")
    write(draw, (left - 12, top - 14), "truth", FAINT, TYPE, "rm")
    cells = Image.fromarray(scaled(np.sqrt(shares)))
    sheet.paste(cells.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))
    _lines(draw, cell, (left, top, right, bottom))
    for place, name in enumerate(rows):
        middle = top + cell * (place + 0.5)
        write(draw, (left - 12, middle), fitted(name, TYPE, NAMES - 16), INK, TYPE, "rm")
    for place, head in enumerate(heads):
        _head(sheet, head, left + cell * (place + 0.5), top - 6)
    if len(rows) <= ROOMY:
        _numbers(draw, shares, cell, left, top)
    note = (
        "Each row sums to 100 %; the tone grows with the square root of the share, so that small ones show."
    )
    write(draw, (MARGIN, bottom + 16), fitted(note, TYPE, sheet.width - 2 * MARGIN), FAINT, TYPE, "la")
    return sheet


def _lines(draw: ImageDraw.ImageDraw, cell: int, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    for x in range(left, right + 1, cell):
        draw.line((x, top, x, bottom), RULE)
    for y in range(top, bottom + 1, cell):
        draw.line((left, y, right, y), RULE)


def _head(sheet: Image.Image, name: str, x: float, bottom: float) -> None:
    """A column's name, rising steeply to the right."""
    long = int(length(name, TYPE)) + 4
    strip = Image.new("L", (long, TYPE + 8), 0)
    write(ImageDraw.Draw(strip), (2, (TYPE + 8) / 2), name, 255, TYPE, "lm")
    turned = strip.rotate(ANGLE, expand=True, resample=Image.Resampling.BICUBIC)
    corner = (round(x - 10), round(bottom - turned.height + 2))
    sheet.paste(Image.new("RGB", turned.size, INK), corner, turned)


def _numbers(draw: ImageDraw.ImageDraw, shares: Shares, cell: int, left: int, top: int) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if share < 0.005:
            continue
        centre = (left + cell * (column + 0.5), top + cell * (row + 0.5))
        ink = PAPER if share > 0.3 else INK
        write(draw, centre, f"{100 * share:.0f}", ink, TYPE, "mm")
