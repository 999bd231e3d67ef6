"""`sheet.png`: a contact sheet, a few frames with their labels and a list of the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from openvss.video.formats.classes import ClassInfo
from openvss.video.formats.contract import Labelled, OutputPlan
from openvss.video.formats.painter import Painter
from openvss.video.formats.style import OverlayStyle
from openvss.video.lettering import fitted, length, write
from openvss.video.part import clock
from openvss.video.spread import Spread

PRODUCT = "sheet.png"
FRAMES = 9
LARGEST = (480, 360)  # a frame on the sheet fits into this
GAP, CAPTION, ROW = 12, 30, 32
FONT = 18
LISTED = 40  # words, the largest ones
PAPER, INK, FAINT, UNLABELLED = (255, 255, 255), (38, 42, 51), (120, 126, 138), (228, 230, 234)


@dataclass(frozen=True, slots=True)
class Tile:
    """A frame on the sheet: its picture, time, and the share of each word and of unlabelled pixels."""

    picture: Image.Image
    time: Fraction
    shares: npt.NDArray[np.float64]


class TilePainter:
    """Makes tiles of labelled frames of one size."""

    def __init__(self, classes: Sequence[ClassInfo], size: tuple[int, int], style: OverlayStyle) -> None:
        self._painter = Painter(classes, size, replace(style, legend=False, side_by_side=False))
        scale = min(LARGEST[0] / size[0], LARGEST[1] / size[1])
        self._size = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))

    def tile(self, item: Labelled) -> Tile:
        """The frame with its labels, as large as it is on the sheet."""
        picture = Image.fromarray(self._painter.paint(item)).resize(self._size, Image.Resampling.LANCZOS)
        return Tile(picture, item.frame.time, item.counts / item.labels.labels.size)


class SheetWriter:
    """Keeps a bounded number of tiles and draws some of them in the end."""

    def __init__(self, plan: OutputPlan) -> None:
        self._path = plan.folder / PRODUCT
        self._classes = plan.classes
        self._painter = TilePainter(plan.classes, plan.source.size, plan.style)
        self._tiles: Spread[Tile] = Spread(FRAMES)
        self._is_image = plan.source.kind == "image"

    def add(self, item: Labelled) -> None:
        """Take the next frame."""
        if self._tiles.wants_next():
            self._tiles.keep(self._painter.tile(item))

    def finish(self) -> None:
        """Draw the picture."""
        draw_sheet(self._tiles.picked(), self._classes, timed=not self._is_image).save(self._path)

    def abandon(self) -> None:
        """Nothing to close."""


def draw_sheet(tiles: Sequence[Tile], classes: Sequence[ClassInfo], *, timed: bool) -> Image.Image:
    """The tiles in rows, with their times, above the words with their shares of these frames."""
    width, height = tiles[0].picture.size
    columns = ceil(sqrt(len(tiles)))
    rows = ceil(len(tiles) / columns)
    step = height + (CAPTION if timed else GAP)
    total = max(columns * (width + GAP) + GAP, LARGEST[0] + 2 * GAP)
    words = _Words(classes, np.mean([tile.shares for tile in tiles], axis=0), total - 2 * GAP)
    sheet = Image.new("RGB", (total, GAP + rows * step + words.height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, tile in enumerate(tiles):
        left, top = GAP + number % columns * (width + GAP), GAP + number // columns * step
        sheet.paste(tile.picture, (left, top))
        if timed:
            write(draw, (left, top + height + CAPTION / 2), _moment(tile.time), FAINT, FONT, "lm")
    words.draw(draw, GAP, GAP + rows * step)
    return sheet


def _moment(time: Fraction) -> str:
    return clock(round(time, 1))


class _Words:
    """The words that are seen, largest first, each behind its colour, in as many rows as they need."""

    def __init__(self, classes: Sequence[ClassInfo], shares: npt.NDArray[np.float64], width: int) -> None:
        entries = [(one.name, one.colour, shares[one.id]) for one in classes]
        entries.append(("unlabelled", UNLABELLED, shares[-1]))
        seen = sorted((entry for entry in entries if entry[2] > 0), key=lambda entry: -entry[2])
        self._placed: list[tuple[int, int, str, tuple[int, int, int] | None]] = []
        x, row = 0, 0
        shown = [(f"{name}  {_percent(share)}", colour) for name, colour, share in seen[:LISTED]]
        more = [(f"and {len(seen) - LISTED} more", None)] if len(seen) > LISTED else []
        for text, colour in [*shown, *more]:
            text = fitted(text, FONT, width - 30)
            taken = 30 + round(length(text, FONT)) + 24
            if x and x + taken - 24 > width:
                x, row = 0, row + 1
            self._placed.append((x, row, text, colour))
            x += taken
        self.height = (row + 1) * ROW

    def draw(self, draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
        """Draw the list with its corner there."""
        for x, row, text, colour in self._placed:
            middle = top + row * ROW + ROW // 2
            if colour is not None:
                draw.rounded_rectangle((left + x, middle - 9, left + x + 18, middle + 9), 4, colour)
            write(draw, (left + x + 28, middle), text, INK, FONT, "lm")


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else "< 1%"
