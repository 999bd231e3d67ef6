"""Drawing for the overlay: each word's colour over the frame, a fine line around regions, and the legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from openvss.video.formats.classes import ClassInfo, colour_table
from openvss.video.formats.contract import Labelled
from openvss.video.formats.style import OverlayStyle
from openvss.video.labelmap import Labels
from openvss.video.lettering import fitted, length, write
from openvss.video.pixels import Pixels

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

OUTLINE = 1 / 270  # of the frame's shorter side: how wide a word's outline is, inside its region
LINE_LIGHT = 96  # of 256: how much lighter the line between regions is than what it lies on

# The legend
ROWS = 16  # of words
SMALLEST_FONT, LARGEST_FONT = 9, 72
FONT_SHARE = 1 / 30  # of the frame's shorter side
LINE = 1.5  # height of a row, in font sizes
MOST_HEIGHT, MOST_WIDTH, MOST_AREA = 0.92, 0.4, 0.2  # of the frame
FEWEST_ROWS = 2  # a frame without room for as many gets no legend,
NARROWEST = 3  # nor one that is too narrow for words of so many font sizes
DETAIL = 64  # a step in lightness as large as this counts as much as a word
UNLABELLED, NO_COLOUR = "unlabelled", (0, 0, 0)  # as in the masks
BACKING = (12, 14, 18, 165)
RIM = (255, 255, 255, 110)  # around the colours, so that dark ones are seen
TEXT = (255, 255, 255, 255)
SMOOTH = 4  # shapes and letters are drawn this much larger, then reduced


class Painter:
    """Draws the labels of frames of one size.

    What is unlabelled, and the rest that no word was given for, is shown as it is.
    """

    def __init__(self, classes: Sequence[ClassInfo], size: tuple[int, int], style: OverlayStyle) -> None:
        self._style = style
        self._opacity = round(256 * style.opacity)
        self._colours = colour_table(classes)
        # What a word adds to a pixel; the last row, nothing, is for "unlabelled".
        tint = (self._colours.astype(np.uint16) * self._opacity) >> 8
        self._tints = np.append(tint, [[0, 0, 0]], axis=0).astype(np.uint8)
        self._rest = next((c.id for c in classes if c.rest), None)
        self._outline = max(1, round(OUTLINE * min(size)))
        self._legend = Legend(classes, size) if style.legend else None

    def paint(self, item: Labelled) -> Pixels:
        """The frame with its labels drawn over it, RGB; (H, W, 3), or (H, 2 W, 3) side by side."""
        labels, pixels = item.labels.labels, item.frame.pixels
        # Both parts are rounded down, so their sum fits into a byte.
        kept = (pixels.astype(np.uint16) * (256 - self._opacity) >> 8).astype(np.uint8)
        picture = kept + self._tint(labels)
        bare = self._bare(item)
        if bare is not None:
            np.copyto(picture, pixels, where=bare[..., None])
        if self._style.outlines:
            _draw_outlines(picture, labels, self._colours, self._outline, bare)
        else:
            _draw_lines(picture, labels)
        if self._legend:
            self._legend.draw(picture, item)
        return np.concatenate([pixels, picture], axis=1) if self._style.side_by_side else picture

    def _bare(self, item: Labelled) -> Mask | None:
        """Where the frame is shown as it is; None if nowhere."""
        ids = [item.labels.unlabelled] if item.counts[-1] else []
        if self._rest is not None and item.counts[self._rest]:
            ids.append(self._rest)
        masks = [item.labels.labels == i for i in ids]
        return np.logical_or.reduce(masks) if masks else None

    def _tint(self, labels: Labels) -> Pixels:
        if labels.dtype != np.uint8:
            return np.take(self._tints, labels, axis=0, mode="clip")  # clips "unlabelled" to the last row
        image = Image.fromarray(labels)
        image.putpalette(self._tints[:-1].tobytes().ljust(3 * 256, b"\0"))
        return np.asarray(image.convert("RGB"))


def _draw_lines(picture: Pixels, labels: Labels) -> None:
    """Lighten the first pixels of a region, to the right of and below another one."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, 1:] = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    places = np.flatnonzero(edge)
    flat = picture.reshape(-1, 3)
    colours = flat[places].astype(np.uint16)
    flat[places] = (colours + ((255 - colours) * LINE_LIGHT >> 8)).astype(np.uint8)


def _draw_outlines(picture: Pixels, labels: Labels, colours: Pixels, wide: int, bare: Mask | None) -> None:
    """Draw the pixels of a word that are at most `wide` from another region in the word's colour."""
    edge = np.zeros(labels.shape, dtype=bool)
    for step in range(1, wide + 1):
        across, down = labels[:, step:] != labels[:, :-step], labels[step:] != labels[:-step]
        edge[:, step:] |= across
        edge[:, :-step] |= across
        edge[step:] |= down
        edge[:-step] |= down
    if bare is not None:
        edge &= ~bare
    picture[edge] = colours[labels[edge]]


class Legend:
    """Lists the words of a video in one corner: that of its first frame where it hides least.

    All of them if there is room. Otherwise the largest ones of the frame: a word keeps its row until the row
    is needed for one that is larger, so rows do not jump. Below them are the rest and, once a frame had some,
    what is unlabelled.
    """

    def __init__(self, classes: Sequence[ClassInfo], size: tuple[int, int]) -> None:
        width, height = size
        self._classes = classes
        self._size = font = min(LARGEST_FONT, max(SMALLEST_FONT, round(min(size) * FONT_SHARE)))
        self._line, self._pad, self._swatch = round(font * LINE), font // 2, font
        self._text_left = self._pad + self._swatch + font // 2
        room = int(MOST_WIDTH * width) - self._text_left - self._pad
        widest = max((length(fitted(c.name, font, room), font) for c in classes), default=0)
        self._room = room
        # As many rows as fit, without covering much of the frame.
        tallest = min(
            MOST_HEIGHT * height, MOST_AREA * width * height / (self._text_left + widest + self._pad)
        )
        most = int((tallest - 2 * self._pad) / self._line)
        self._last = [c.id for c in classes if c.rest]
        words = len(classes) - len(self._last)
        places = words if words + len(self._last) <= most else most - len(self._last) - 1
        self._places = min(ROWS, places)
        self._most = most
        if self._places < min(FEWEST_ROWS, words) or room < NARROWEST * font:
            self._most = 0
        self._rows = [c.id for c in classes if not c.rest] if self._places == words else []
        self._unlabelled = False
        self._corner: tuple[bool, bool] | None = None
        self._drawn: tuple[int, ...] = ()
        self._panel = np.zeros((0, 0, 4), dtype=np.uint16)

    def draw(self, picture: Pixels, item: Labelled) -> None:
        """Put the legend of a frame into its corner of the RGB picture."""
        if not self._most:
            return
        rows = self._choose(item.counts)
        if rows != self._drawn:
            self._drawn = rows
            self._panel = self._render(rows)
        height, width = self._panel.shape[:2]
        if self._corner is None:
            full = 2 * self._pad + self._line * min(self._most, self._places + len(self._last))
            self._corner = quietest_corner(_worth(item, self._last), max(height, full), width, self._pad)
        corner = picture[_place(picture.shape[:2], height, width, self._pad, self._corner)]
        alpha = self._panel[..., 3:]
        mixed = corner * (255 - alpha) + self._panel[..., :3] * alpha
        corner[:] = ((mixed + 127) // 255).astype(np.uint8)

    def _choose(self, counts: Counts) -> tuple[int, ...]:
        """The rows of a frame, the number of words being "unlabelled"."""
        words = counts[: len(self._classes)].copy()
        words[self._last] = 0
        largest = np.argsort(-words, kind="stable")[: self._places]
        for word in (int(i) for i in largest if words[i] and i not in self._rows):
            if len(self._rows) < self._places:
                self._rows.append(word)
            else:
                smallest = min(range(self._places), key=lambda row: words[self._rows[row]])
                self._rows[smallest] = word
        self._unlabelled |= bool(counts[-1])
        rows = [*self._rows, *self._last]
        return (*rows, len(self._classes)) if self._unlabelled and len(rows) < self._most else tuple(rows)

    def _render(self, rows: Sequence[int]) -> npt.NDArray[np.uint16]:
        """The panel with the given rows: (h, w, 4) RGBA, uint16 to leave room for products."""
        size, line, pad, swatch = self._size, self._line, self._pad, self._swatch
        infos = [*((c.name, c.colour) for c in self._classes), (UNLABELLED, NO_COLOUR)]
        shown = [infos[row] for row in rows]
        names = [fitted(name, size, self._room) for name, _ in shown]
        width = self._text_left + max((round(length(name, size)) for name in names), default=0) + pad
        height = 2 * pad + line * len(rows)
        shapes = Image.new("RGBA", (width * SMOOTH, height * SMOOTH))
        draw = ImageDraw.Draw(shapes)
        draw.rounded_rectangle((0, 0, width * SMOOTH - 1, height * SMOOTH - 1), pad * SMOOTH, BACKING)
        for row, (_, colour) in enumerate(shown):
            top = pad + row * line + (line - swatch) // 2
            box = (pad, top, pad + swatch, top + swatch)
            corners = [SMOOTH * side for side in box]
            draw.rounded_rectangle(corners, size * SMOOTH // 4, (*colour, 255), RIM, SMOOTH)
            middle = SMOOTH * (pad + row * line + line / 2)
            write(draw, (SMOOTH * self._text_left, middle), names[row], TEXT, SMOOTH * size, "lm")
        return np.asarray(shapes.reduce(SMOOTH)).astype(np.uint16)


def _worth(item: Labelled, rest: Sequence[int]) -> npt.NDArray[np.float32]:
    """How much hiding each pixel would lose, (H, W): detail, and words, the more the smaller they are."""
    labels, pixels = item.labels.labels, item.frame.pixels
    table = np.zeros(item.labels.unlabelled + 1, dtype=np.float32)
    table[: len(item.counts) - 1] = 1 - item.counts[:-1] / labels.size
    table[rest] = 0  # nobody asked for it, nor for what is unlabelled
    worth = table[labels]
    light = pixels[..., 1].astype(np.float32) / DETAIL
    worth[:, 1:] += np.minimum(np.abs(np.diff(light, axis=1)), 1)
    worth[1:] += np.minimum(np.abs(np.diff(light, axis=0)), 1)
    return worth


def quietest_corner(
    worth: npt.NDArray[np.float32], height: int, width: int, margin: int
) -> tuple[bool, bool]:
    """The corner, (at the bottom, at the right), where a panel hides least; the first of equal ones."""
    corners = [(bottom, right) for bottom in (False, True) for right in (False, True)]
    return min(
        corners, key=lambda c: float(worth[_place(worth.shape, height, width, margin, c)].sum(dtype=float))
    )


def _place(
    shape: tuple[int, ...], height: int, width: int, margin: int, corner: tuple[bool, bool]
) -> tuple[slice, slice]:
    """Rows and columns of a panel in a corner of a picture."""
    bottom, right = corner
    top = shape[0] - margin - height if bottom else margin
    left = shape[1] - margin - width if right else margin
    return slice(top, top + height), slice(left, left + width)
