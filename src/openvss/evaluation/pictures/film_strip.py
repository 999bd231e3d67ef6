"""Frames of one video side by side; under them a row for the ground truth and one for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from openvss.data.base import Ids
from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    blank,
    fitted,
    font,
    panel_height,
    swatch,
)
from openvss.video.colours import Colour
from openvss.video.pixels import Pixels

PANEL, TALLEST = 320, 480
GAP, HEAD, NAME, BETWEEN = 8, 80, 42, 16
LINE, SIDE, SPACE = 40, 22, 10  # of the legend: height of a line, side of a colour, gap beside it
TITLE, TYPE = 30, 26  # large: in a paper six frames are as wide as a page
NO_WORD: Colour = (0, 0, 0)  # no word's colour is as dark
NO_WORD_NAME = "unlabelled"


@dataclass(frozen=True, eq=False)
class Row:
    """The labels of one method, or the ground truth.

    Attributes:
        title: The name of the method.
        ids: For each frame (H, W); those beyond the list are no word.
    """

    title: str
    ids: Sequence[Ids]


def draw_strip(
    title: str,
    heads: Sequence[str],
    frames: Sequence[Pixels],
    rows: Sequence[Row],
    names: Sequence[str],
    colours: Sequence[Colour],
) -> Image.Image:
    """The frames, each under its head, then the rows, then the words that occur anywhere in them."""
    table = np.array([*colours, NO_WORD], dtype=np.uint8)
    tall = panel_height(frames[0], PANEL, TALLEST)
    width = 2 * MARGIN + len(frames) * (PANEL + GAP) - GAP
    legend = _legend([*names, NO_WORD_NAME], rows, width - 2 * MARGIN)
    bottom = MARGIN + HEAD + tall + len(rows) * (NAME + tall) + BETWEEN
    sheet, draw = blank(width, bottom + LINE * len(legend) + MARGIN)
    draw.text((MARGIN, MARGIN), fitted(title, TITLE, width - 2 * MARGIN), INK, font=font(TITLE), anchor="lt")
    top = MARGIN + HEAD
    for place, head in enumerate(heads):
        draw.text((_left(place), top - 20), head, FAINT, font=font(TYPE), anchor="lm")
    _paste(sheet, frames, top, tall)
    top += tall
    for row in rows:
        named = fitted(row.title, TYPE, width - 2 * MARGIN)
        draw.text((MARGIN, top + NAME / 2 + 3), named, INK, font=font(TYPE), anchor="lm")
        _paste(sheet, [table[np.minimum(ids, len(names))] for ids in row.ids], top + NAME, tall)
        top += NAME + tall
    _draw_legend(draw, legend, table, bottom)
    return sheet


def _left(place: int) -> int:
    return MARGIN + place * (PANEL + GAP)


def _paste(sheet: Image.Image, pictures: Sequence[Pixels], top: int, tall: int) -> None:
    for place, picture in enumerate(pictures):
        panel = Image.fromarray(picture).resize((PANEL, tall), Image.Resampling.BOX)
        sheet.paste(panel, (_left(place), top))


def _legend(names: Sequence[str], rows: Sequence[Row], width: float) -> list[list[tuple[int, str]]]:
    """Lines of words that occur, largest first; the last of the names, for no word, ends them."""
    counts = np.zeros(len(names), dtype=np.int64)
    for ids in (ids for row in rows for ids in row.ids):
        counts += np.bincount(np.minimum(ids, len(names) - 1).ravel(), minlength=len(names))
    largest = np.argsort(-counts[:-1], kind="stable").tolist()
    lines: list[list[tuple[int, str]]] = [[]]
    used = 0.0
    for word in (word for word in [*largest, len(names) - 1] if counts[word]):
        name = fitted(names[word], TYPE, width - SIDE - SPACE)
        needed = _entry_width(name)
        if lines[-1] and used + needed > width + SIDE:  # the last entry needs no gap behind it
            lines.append([])
            used = 0.0
        lines[-1].append((word, name))
        used += needed
    return lines


def _draw_legend(
    draw: ImageDraw.ImageDraw, lines: Sequence[Sequence[tuple[int, str]]], table: Pixels, top: int
) -> None:
    for number, line in enumerate(lines):
        x, middle = float(MARGIN), top + LINE * (number + 0.5)
        for word, name in line:
            red, green, blue = table[word].tolist()
            swatch(draw, x, middle, (red, green, blue), SIDE)
            draw.text((x + SIDE + SPACE, middle), name, INK, font=font(TYPE), anchor="lm")
            x += _entry_width(name)


def _entry_width(name: str) -> float:
    return SIDE + SPACE + font(TYPE).getlength(name) + SIDE
