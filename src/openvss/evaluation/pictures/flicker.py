"""Label flicker: where a prediction changes from one frame to the next although the ground truth does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from openvss.evaluation.pictures.canvas import (
    FAINT,
    GLOW_STOPS,
    INK,
    MARGIN,
    RULE,
    WRONG,
    Shares,
    blank,
    panel_height,
    scaled,
)
from openvss.video.lettering import fitted, write
from openvss.video.pixels import Pixels

PANEL, TALLEST, PLOT = 440, 400, 760
GAP, TITLE, BETWEEN, AXIS = 76, 34, 26, 26
TYPE = 17
BRIGHTEST = 0.5  # a pixel that changes at every second frame glows fully


@dataclass(frozen=True, eq=False)
class Flickering:
    """A video worth looking at.

    Attributes:
        title: The name of the video.
        pixels: A frame of it, (H, W, 3).
        rates: (H, W): at what share of the transitions with still ground truth the pixel changed its word.
        steps: For each transition, or few of them, the share of still pixels that changed; nan where none was
            still.
        frames: How many frames the steps span.
    """

    title: str
    pixels: Pixels
    rates: Shares
    steps: Shares
    frames: int


def draw_flicker(videos: Sequence[Flickering], title: str) -> Image.Image:
    """One row a video: where its labels flicker, glowing over the frame, and when, as a curve."""
    width = 2 * MARGIN + PANEL + GAP + PLOT
    heights = [panel_height(video.pixels, PANEL, TALLEST) for video in videos]
    top = MARGIN + 44
    sheet, draw = blank(width, top + sum(TITLE + h + AXIS + BETWEEN for h in heights))
    write(draw, (MARGIN, MARGIN), fitted(title, 22, width - 2 * MARGIN), INK, 22, "lt")
    highest = _nice(max((float(np.nanmax(v.steps, initial=0)) for v in videos), default=0.0))
    for video, height in zip(videos, heights, strict=True):
        named = fitted(video.title, TYPE, width - 2 * MARGIN)
        write(draw, (MARGIN, top + TITLE / 2), named, INK, TYPE, "lm")
        top += TITLE
        panel = Image.fromarray(_glowing(video)).resize((PANEL, height), Image.Resampling.BOX)
        sheet.paste(panel, (MARGIN, top))
        _curve(draw, video, highest, (MARGIN + PANEL + GAP, top, width - MARGIN, top + height))
        top += height + AXIS + BETWEEN
    return sheet


def _glowing(video: Flickering) -> Pixels:
    heat = np.clip(video.rates / BRIGHTEST, 0, 1)
    grey = video.pixels.mean(axis=2, keepdims=True) * 0.45
    over = np.clip(heat * 1.6, 0, 0.92)[..., None]
    mixed = grey * (1 - over) + scaled(heat, GLOW_STOPS) * over
    return mixed.astype(np.uint8)


def _curve(
    draw: ImageDraw.ImageDraw, video: Flickering, highest: float, box: tuple[int, int, int, int]
) -> None:
    steps = video.steps
    left, top, right, bottom = box
    for share in (0.0, 0.5, 1.0):
        y = bottom - (bottom - top) * share
        draw.line((left, y, right, y), RULE)
        write(draw, (left - 10, y), f"{100 * share * highest:g} %", FAINT, TYPE, "rm")
    at = np.linspace(left, right, max(len(steps), 2))[: len(steps)]
    heights = bottom - (bottom - top) * np.nan_to_num(steps) / highest
    points = list(zip(at.tolist(), heights.tolist(), strict=True))
    if len(points) > 1:
        draw.polygon([(points[0][0], bottom), *points, (points[-1][0], bottom)], fill=(252, 226, 226))
        draw.line(points, WRONG, 2, joint="curve")
    write(draw, (left, bottom + 4), "frame 1", FAINT, TYPE, "la")
    write(draw, (right, bottom + 4), str(video.frames), FAINT, TYPE, "ra")


def _nice(share: float) -> float:
    """The next round number: the top of the axis."""
    return next((top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if share <= top), 1.0)
