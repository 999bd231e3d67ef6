"""Frames side by side with the ground truth, the prediction and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from openvss.data.base import Ids
from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    WRONG,
    blank,
    panel_height,
)
from openvss.evaluation.pictures.legend import draw_legend, legend_height, legend_lines
from openvss.video.colours import Colour
from openvss.video.lettering import fitted, write
from openvss.video.pixels import Pixels

PANEL = 400  # width of one picture
TALLEST = 560
GAP, TITLE, ABOVE, BETWEEN = 10, 34, 6, 18  # the third: between panels and legend
TYPE = 17
TINT = 0.62  # how much of a pixel is the word's colour
DARK: Colour = (60, 64, 70)
DARK_NAME = "no word (darkened)"
HEADS = ("frame", "ground truth", "prediction", "wrong pixels")


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame worth looking at.

    Attributes:
        title: Which frame, and how good.
        pixels: (H, W, 3).
        truth: (H, W) ids; those beyond the list do not count.
        prediction: (H, W) ids; those beyond the list are no word.
        wrong: (H, W) the pixels that count and are wrong.
    """

    title: str
    pixels: Pixels
    truth: Ids
    prediction: Ids
    wrong: npt.NDArray[np.bool_]


def draw_frames(
    rows: Sequence[Shown], names: Sequence[str], colours: Sequence[Colour], title: str
) -> Image.Image:
    """One row a frame: the frame, the truth, the prediction, the pixels where they differ; words below."""
    width = 2 * MARGIN + 4 * PANEL + 3 * GAP
    heights = [panel_height(row.pixels, PANEL, TALLEST) for row in rows]
    top = MARGIN + 66
    legends = [
        legend_lines([*names, DARK_NAME], (row.truth, row.prediction), TYPE, width - 2 * MARGIN)
        for row in rows
    ]
    below = [ABOVE + legend_height(lines, TYPE) + BETWEEN for lines in legends]
    height = top + sum(TITLE + tall + under for tall, under in zip(heights, below, strict=True))
    sheet, draw = blank(width, height)
    write(draw, (MARGIN, MARGIN), fitted(title, 22, width - 2 * MARGIN), INK, 22, "lt")
    for place, head in enumerate(HEADS):
        x = MARGIN + place * (PANEL + GAP)
        write(draw, (x, top - 12), head, FAINT, TYPE, "lm")
    table = np.array(colours, dtype=np.uint8).reshape(-1, 3)
    for row, tall, lines, under in zip(rows, heights, legends, below, strict=True):
        named = fitted(row.title, TYPE, width - 2 * MARGIN)
        write(draw, (MARGIN, top + TITLE / 2), named, INK, TYPE, "lm")
        top += TITLE
        for place, panel in enumerate(_panels(row, table)):
            picture = Image.fromarray(panel).resize((PANEL, tall), Image.Resampling.BOX)
            sheet.paste(picture, (MARGIN + place * (PANEL + GAP), top))
        top += tall
        draw_legend(draw, lines, [*colours, DARK], TYPE, (MARGIN, top + ABOVE))
        top += under
    return sheet


def tinted(pixels: Pixels, ids: Ids, table: Pixels) -> Pixels:
    """The frame under its words' colours; pixels without a word stay as they are, darkened."""
    inside = ids < len(table)
    tint = table[np.where(inside, ids, 0)]
    mixed = pixels * (1 - TINT) + tint * TINT
    return np.where(inside[..., None], mixed, pixels * 0.35).astype(np.uint8)


def _panels(row: Shown, table: Pixels) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    grey = row.pixels.mean(axis=2, keepdims=True)
    counted = row.truth < len(table)
    base = np.where(counted[..., None], 96 + grey * 0.6, grey * 0.35)
    errors = np.where(row.wrong[..., None], np.array(WRONG) * 0.75 + grey * 0.25, base)
    truth, prediction = tinted(row.pixels, row.truth, table), tinted(row.pixels, row.prediction, table)
    return row.pixels, truth, prediction, errors.astype(np.uint8)
