"""`shares.png`: how much of the frame each word covers, over the length of a video; bars for one frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from PIL import Image, ImageDraw

from openvss.video.colours import Colour, Floats
from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.contract import Labelled, OutputPlan
from openvss.video.lettering import fitted, write

PRODUCT = "shares.png"
SIZE = (1600, 720)
PLOT = (96, 48, 1230, 640)  # left, top, right, bottom
BARS = (300, 48, 1480, 640)  # of a single frame
TALLEST_BAR = 64
TYPE = 20
LISTED = 20  # words named beside the plot, the largest ones
MOST_BINS = 2048
SMOOTH = 2  # the areas are drawn this much larger, then reduced
PAPER, INK, FAINT, NOTHING = (255, 255, 255), (38, 42, 51), (120, 126, 138), (228, 230, 234)
STEPS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
)
MOST_TICKS = 9


class ChartWriter:
    """Collects shares in a bounded number of bins and draws them at the end.

    Whenever the bins are full, neighbours are merged, so a video of any length takes the same memory.
    """

    def __init__(self, plan: OutputPlan) -> None:
        self._path = plan.folder / PRODUCT
        self._classes = plan.classes
        self._rate = plan.source.rate
        self._sums = np.zeros((MOST_BINS, len(plan.classes) + 1))
        self._times: list[Fraction] = []  # of each bin's first frame
        self._per_bin = 1
        self._frames = 0
        self._end = Fraction(0)

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        if self._frames == self._per_bin * MOST_BINS:
            self._sums[: MOST_BINS // 2] = self._sums[::2] + self._sums[1::2]
            self._sums[MOST_BINS // 2 :] = 0
            self._times = self._times[::2]
            self._per_bin *= 2
        place = self._frames // self._per_bin
        if place == len(self._times):
            self._times.append(item.frame.time)
        self._sums[place] += item.counts / item.labels.labels.size
        self._frames += 1
        usual = 1 / self._rate if self._rate else Fraction(1, 25)
        self._end = item.frame.time + (item.frame.duration or usual)

    def finish(self) -> None:
        """Draw the picture."""
        draw_chart = self._over_time if self._frames > 1 else self._of_one_frame
        draw_chart().save(self._path)

    def abandon(self) -> None:
        """Nothing to close."""

    def _over_time(self) -> Image.Image:
        bins = len(self._times)
        sizes = np.full(bins, self._per_bin)
        sizes[-1] = self._frames - self._per_bin * (bins - 1)
        shares = self._sums[:bins] / sizes[:, None]
        mean = self._sums[:bins].sum(axis=0) / self._frames
        begin = self._times[0]
        starts = np.array([float(time - begin) for time in self._times])
        length = max(float(self._end - begin), starts[-1] + 1e-3)
        picture = Image.new("RGB", SIZE, PAPER)
        picture.paste(_areas(shares, starts, length, self._classes), PLOT[:2])
        draw = ImageDraw.Draw(picture)
        _axes(draw, length)
        _names(draw, mean, self._classes)
        return picture

    def _of_one_frame(self) -> Image.Image:
        picture = Image.new("RGB", SIZE, PAPER)
        _bars(ImageDraw.Draw(picture), _listed(self._sums[0], self._classes))
        return picture


def _areas(shares: Floats, starts: Floats, length: float, classes: Sequence[ClassInfo]) -> Image.Image:
    """The stacked areas: first word at the bottom, "unlabelled" on top."""
    left, top, right, bottom = PLOT
    width, height = (right - left) * SMOOTH, (bottom - top) * SMOOTH
    moments = (np.arange(width) + 0.5) / width * length
    columns = np.searchsorted(starts, moments, side="right") - 1
    tops = np.cumsum(shares, axis=1)[columns]  # (width, words + 1)
    rows = (np.arange(height)[::-1] + 0.5) / height
    colours = np.array([*(c.colour for c in classes), NOTHING], dtype=np.uint8)
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for x in range(width):
        word = np.searchsorted(tops[x], rows, side="right")
        pixels[:, x] = colours[np.minimum(word, len(classes))]
    return Image.fromarray(pixels).reduce(SMOOTH)


def _axes(draw: ImageDraw.ImageDraw, length: float) -> None:
    left, top, right, bottom = PLOT
    for percent in range(0, 101, 25):
        y = bottom - (bottom - top) * percent / 100
        draw.line((left - 8, y, left, y), FAINT)
        write(draw, (left - 14, y), f"{percent} %", INK, TYPE, "rm")
    step = next((s for s in STEPS if length / s <= MOST_TICKS), length / MOST_TICKS)
    for tick in range(int(length / step) + 1):
        x = left + (right - left) * tick * step / length
        draw.line((x, bottom, x, bottom + 8), FAINT)
        write(draw, (x, bottom + 14), clock_text(tick * step, step), INK, TYPE, "mt")
    draw.rectangle((left, top, right, bottom), outline=FAINT)


def _listed(shares: Floats, classes: Sequence[ClassInfo]) -> list[tuple[str, Colour, float]]:
    """The words that occur, largest first, then the rest and what is unlabelled: (name, colour, share)."""
    words = sorted((c for c in classes if shares[c.id] > 0), key=lambda c: (c.rest, -shares[c.id]))
    entries = [(c.name, c.colour, float(shares[c.id])) for c in words]
    return [*entries, ("unlabelled", NOTHING, float(shares[-1]))] if shares[-1] > 0 else entries


def _names(draw: ImageDraw.ImageDraw, mean: Floats, classes: Sequence[ClassInfo]) -> None:
    """The words beside the plot with their share of the whole video."""
    shown = _listed(mean, classes)
    x, y, line = PLOT[2] + 32, PLOT[1], 29
    for name, colour, share in shown[:LISTED]:
        draw.rounded_rectangle((x, y, x + 19, y + 19), 4, colour)
        write(draw, (x + 30, y + 10), fitted(name, TYPE, 210), INK, TYPE, "lm")
        write(draw, (SIZE[0] - 24, y + 10), f"{share:.1%}", FAINT, TYPE, "rm")
        y += line
    if len(shown) > LISTED:
        write(draw, (x, y + 10), f"and {len(shown) - LISTED} more", FAINT, TYPE, "lm")


def _bars(draw: ImageDraw.ImageDraw, shown: Sequence[tuple[str, Colour, float]]) -> None:
    """A bar for each word, as long as its share of the picture."""
    left, top, right, bottom = BARS
    line = min(TALLEST_BAR, (bottom - top) / min(len(shown), LISTED))
    bottom = round(top + line * min(len(shown), LISTED))
    for percent in range(0, 101, 25):
        x = left + (right - left) * percent / 100
        draw.line((x, top, x, bottom), NOTHING if percent else FAINT)
        write(draw, (x, bottom + 14), f"{percent} %", INK, TYPE, "mt")
    for place, (name, colour, share) in enumerate(shown[:LISTED]):
        middle = top + line * (place + 0.5)
        end = left + (right - left) * share
        write(draw, (left - 16, middle), fitted(name, TYPE, left - 40), INK, TYPE, "rm")
        draw.rectangle((left, middle - 0.36 * line, end, middle + 0.36 * line), colour, outline=FAINT)
        write(draw, (end + 12, middle), f"{share:.1%}", FAINT, TYPE, "lm")
    if len(shown) > LISTED:
        write(draw, (right, bottom + 42), f"and {len(shown) - LISTED} more", FAINT, TYPE, "rt")


def clock_text(seconds: float, step: float) -> str:
    """A time on the axis: "0.2 s" while steps are short, then "1:05" or "1:00:05"."""
    if step < 1:
        return f"{seconds:.2f} s" if step < 0.1 else f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
