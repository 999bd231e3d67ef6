"""Curves over the steps of training: losses and metrics, of one run or of several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from openvss.evaluation.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    RULE,
    blank,
    swatch,
)
from openvss.video.colours import Colour
from openvss.video.lettering import fitted, length, write

WIDTH, HEIGHT = 760, 300  # of a panel's plot
LEFT, HEAD, FOOT, LINE, GAP = 76, 40, 36, 26, 26
TICKS = 5
TYPE = 16
COLOURS: tuple[Colour, ...] = (
    (33, 102, 172),
    (214, 96, 30),
    (38, 140, 90),
    (146, 70, 160),
    (190, 40, 60),
    (120, 120, 40),
    (40, 150, 165),
    (110, 84, 70),
)


@dataclass(frozen=True)
class Curve:
    """Values of one thing at some steps."""

    name: str
    steps: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes."""

    title: str
    curves: Sequence[Curve]


def draw_curves(panels: Sequence[Panel], title: str) -> Image.Image:
    """One panel under the other."""
    heights = [HEAD + HEIGHT + FOOT + LINE * len(_legend(panel)) + GAP for panel in panels]
    top = MARGIN + 40
    sheet, draw = blank(2 * MARGIN + LEFT + WIDTH, top + sum(heights))
    write(draw, (MARGIN, MARGIN), fitted(title, 22, LEFT + WIDTH), INK, 22, "lt")
    for panel, height in zip(panels, heights, strict=True):
        _panel(draw, panel, MARGIN + LEFT, top)
        top += height
    return sheet


def _panel(draw: ImageDraw.ImageDraw, panel: Panel, left: int, top: int) -> None:
    write(draw, (left, top + HEAD / 2), panel.title, INK, TYPE + 2, "lm")
    top += HEAD
    bottom = top + HEIGHT
    values = [v for curve in panel.curves for v in curve.values if math.isfinite(v)]
    last = max((step for curve in panel.curves for step in curve.steps), default=1)
    low, high, spacing = scale(min(values, default=0.0), max(values, default=1.0))
    for i in range(round((high - low) / spacing) + 1):
        value = low + i * spacing
        y = bottom - HEIGHT * (value - low) / (high - low)
        draw.line((left, y, left + WIDTH, y), RULE)
        write(draw, (left - 10, y), f"{value:.4g}", FAINT, TYPE, "rm")
    for share in (0, 0.5, 1):
        label = f"{round(last * share)}"
        write(draw, (left + WIDTH * share, bottom + 10), label, FAINT, TYPE, "mt")
    for place, curve in enumerate(panel.curves):
        colour = COLOURS[place % len(COLOURS)]
        points = [
            (left + WIDTH * step / last, bottom - HEIGHT * (value - low) / (high - low))
            for step, value in zip(curve.steps, curve.values, strict=True)
            if math.isfinite(value)
        ]
        if len(points) > 1:
            draw.line(points, colour, 2, joint="curve")
        for px, py in points[:1] if len(points) == 1 else ():
            draw.ellipse((px - 3, py - 3, px + 3, py + 3), colour)
    for row, names in enumerate(_legend(panel)):
        x, y = float(left), bottom + FOOT + LINE * (row + 0.5)
        for place, name in names:
            swatch(draw, x, y, COLOURS[place % len(COLOURS)])
            write(draw, (x + 22, y), name, INK, TYPE, "lm")
            x += _width(name)


def _legend(panel: Panel) -> list[list[tuple[int, str]]]:
    """The names of the curves with their numbers, in as many lines as they need."""
    rows: list[list[tuple[int, str]]] = [[]]
    for place, curve in enumerate(panel.curves):
        name = fitted(curve.name, TYPE, WIDTH / 2)
        if sum(_width(before) for _, before in rows[-1]) + _width(name) > WIDTH:
            rows.append([])
        rows[-1].append((place, name))
    return rows


def _width(name: str) -> float:
    return 44 + length(name, TYPE)


def scale(low: float, high: float) -> tuple[float, float, float]:
    """Round ends of an axis that holds both values, and the round distance of its ticks."""
    span = (high - low) or abs(high) or 1.0
    rough = span / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / spacing + 1e-9), math.ceil(high / spacing - 1e-9)
    return first * spacing, max(last, first + 1) * spacing, spacing
