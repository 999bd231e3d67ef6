"""Frames of one video side by side; under them a row for the ground truth and one for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from openvss.data.base import Ids
from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    blank,
    panel_height,
)
from openvss.evaluation.pictures.legend import draw_legend, legend_height, legend_lines
from openvss.video.colours import Colour
from openvss.video.lettering import fitted, write
from openvss.video.pixels import Pixels

PANEL, TALLEST = 320, 480
GAP, HEAD, NAME, BETWEEN = 8, 80, 42, 16
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
    maps = (ids for row in rows for ids in row.ids)
    legend = legend_lines([*names, NO_WORD_NAME], maps, TYPE, width - 2 * MARGIN)
    bottom = MARGIN + HEAD + tall + len(rows) * (NAME + tall) + BETWEEN
    sheet, draw = blank(width, bottom + legend_height(legend, TYPE) + MARGIN)
    write(draw, (MARGIN, MARGIN), fitted(title, TITLE, width - 2 * MARGIN), INK, TITLE, "lt")
    top = MARGIN + HEAD
    for place, head in enumerate(heads):
        write(draw, (_left(place), top - 20), head, FAINT, TYPE, "lm")
    _paste(sheet, frames, top, tall)
    top += tall
    for row in rows:
        named = fitted(row.title, TYPE, width - 2 * MARGIN)
        write(draw, (MARGIN, top + NAME / 2 + 3), named, INK, TYPE, "lm")
        _paste(sheet, [table[np.minimum(ids, len(names))] for ids in row.ids], top + NAME, tall)
        top += NAME + tall
    draw_legend(draw, legend, [*colours, NO_WORD], TYPE, (MARGIN, bottom))
    return sheet


def _left(place: int) -> int:
    return MARGIN + place * (PANEL + GAP)


def _paste(sheet: Image.Image, pictures: Sequence[Pixels], top: int, tall: int) -> None:
    for place, picture in enumerate(pictures):
        panel = Image.fromarray(picture).resize((PANEL, tall), Image.Resampling.BOX)
        sheet.paste(panel, (_left(place), top))
