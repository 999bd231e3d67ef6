"""Frames side by side with the ground truth, the prediction and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from openvss.data.base import Ids
from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    WRONG,
    blank,
    fitted,
    font,
    panel_height,
    swatch,
)
from openvss.video.colours import Colour
from openvss.video.pixels import Pixels

PANEL = 400  # width of one picture
TALLEST = 560
GAP, TITLE, LEGEND, BETWEEN = 10, 34, 34, 18
TYPE = 17
TINT = 0.62  # how much of a pixel is the word's colour
SMALLEST_NAMED = 0.004  # share of the frame from which on a word is in the legend
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
    height = top + sum(TITLE + h + LEGEND + BETWEEN for h in heights)
    sheet, draw = blank(width, height)
    draw.text((MARGIN, MARGIN), fitted(title, 22, width - 2 * MARGIN), INK, font=font(22), anchor="lt")
    for place, head in enumerate(HEADS):
        x = MARGIN + place * (PANEL + GAP)
        draw.text((x, top - 12), head, FAINT, font=font(TYPE), anchor="lm")
    table = np.array(colours, dtype=np.uint8).reshape(-1, 3)
    for row, tall in zip(rows, heights, strict=True):
        named = fitted(row.title, TYPE, width - 2 * MARGIN)
        draw.text((MARGIN, top + TITLE / 2), named, INK, font=font(TYPE), anchor="lm")
        top += TITLE
        for place, panel in enumerate(_panels(row, table)):
            picture = Image.fromarray(panel).resize((PANEL, tall), Image.Resampling.BOX)
            sheet.paste(picture, (MARGIN + place * (PANEL + GAP), top))
        top += tall
        _legend(draw, row, names, colours, top + LEGEND / 2)
        top += LEGEND + BETWEEN
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


def _legend(
    draw: ImageDraw.ImageDraw, row: Shown, names: Sequence[str], colours: Sequence[Colour], middle: float
) -> None:
    """The words of the row, largest first, as many as fit on the line."""
    length = len(names) + 1
    both = [np.minimum(ids, len(names)).ravel() for ids in (row.truth, row.prediction)]
    counts = sum(np.bincount(ids, minlength=length)[: len(names)] for ids in both)
    x = float(MARGIN)
    for word in np.argsort(-np.asarray(counts), kind="stable"):
        name = names[word]
        needed = 22 + font(TYPE).getlength(name) + 22
        if np.asarray(counts)[word] < 2 * SMALLEST_NAMED * row.truth.size or x + needed > draw.im.size[0]:
            break
        swatch(draw, x, middle, colours[word])
        draw.text((x + 22, middle), name, INK, font=font(TYPE), anchor="lm")
        x += needed
