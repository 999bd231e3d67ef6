"""The bar chart of classes or objects: how well each is found, best on top, and how much there is of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    RULE,
    blank,
    percent,
    swatch,
)
from openvss.video.colours import Colour
from openvss.video.lettering import fitted, write

MOST_BARS = 60  # of more classes, the best and the worst half are shown
LINE, BAR = 26, 14
NAMES, PLOT, NUMBERS = 270, 640, 190
TYPE = 16


@dataclass(frozen=True)
class Bar:
    """One class or object: `iou` and `share` (of the counted pixels of the truth, if known) are fractions."""

    name: str
    colour: Colour
    iou: float
    share: float | None = None


def number(value: float | None) -> float:
    """A number of `metrics.json`, in which null is what nan is here."""
    return float("nan") if value is None else value


def draw_bars(bars: Sequence[Bar], title: str, mean: float) -> Image.Image:
    """The chart; classes that the ground truth lacks have no bar. A line marks the mean."""
    present = sorted((bar for bar in bars if not np.isnan(bar.iou)), key=lambda bar: (-bar.iou, bar.name))
    omitted = max(0, len(present) - MOST_BARS)
    rows: list[Bar | None] = [*present]
    if omitted:
        rows = [*present[: MOST_BARS // 2], None, *present[len(present) - MOST_BARS // 2 :]]
    top = MARGIN + 62
    bottom = top + LINE * len(rows)
    width = 2 * MARGIN + NAMES + PLOT + NUMBERS
    sheet, draw = blank(width, bottom + MARGIN + 24)
    left = MARGIN + NAMES
    write(draw, (MARGIN, MARGIN), fitted(title, 22, width - 2 * MARGIN), INK, 22, "lt")
    write(draw, (left + PLOT + 78, top - 16), "IoU %", FAINT, TYPE, "rm")
    if any(bar.share is not None for bar in bars):
        write(draw, (width - MARGIN, top - 16), "of pixels", FAINT, TYPE, "rm")
    _grid(draw, left, top, bottom)
    for place, bar in enumerate(rows):
        middle = top + LINE * (place + 0.5)
        if bar is None:
            note = f"… {omitted} more in metrics.json …"
            write(draw, (left + 8, middle), note, FAINT, TYPE, "lm")
        else:
            _row(draw, bar, left, middle)
    _mean(draw, mean, left, top, bottom)
    return sheet


def _grid(draw: ImageDraw.ImageDraw, left: int, top: int, bottom: int) -> None:
    for tick in range(0, 101, 20):
        x = left + PLOT * tick / 100
        draw.line((x, top, x, bottom), RULE)
        write(draw, (x, bottom + 8), str(tick), FAINT, TYPE, "mt")


def _row(draw: ImageDraw.ImageDraw, bar: Bar, left: int, middle: float) -> None:
    swatch(draw, left - 30, middle, bar.colour)
    name = fitted(bar.name, TYPE, NAMES - 44)
    write(draw, (left - 40, middle), name, INK, TYPE, "rm")
    length = PLOT * bar.iou
    if length >= 1:
        draw.rectangle((left, middle - BAR / 2, left + length, middle + BAR / 2), bar.colour, outline=FAINT)
    write(draw, (left + PLOT + 78, middle), percent(bar.iou), INK, TYPE, "rm")
    if bar.share is None:
        return
    share = f"{100 * bar.share:.1f} %" if bar.share >= 0.0005 else "< 0.1 %"
    write(draw, (left + PLOT + NUMBERS, middle), share, FAINT, TYPE, "rm")


def _mean(draw: ImageDraw.ImageDraw, mean: float, left: int, top: int, bottom: int) -> None:
    if np.isnan(mean):
        return
    x = left + PLOT * mean
    for y in range(top, bottom, 9):
        draw.line((x, y, x, min(y + 4, bottom)), INK, 2)
    write(draw, (x, top - 16), f"mean {percent(mean)}", INK, TYPE, "mm")
