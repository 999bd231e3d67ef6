"""Drawing for the overlay: each word's colour over the frame, a fine line around regions, and the legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from openvss.video.formats.classes import ClassInfo, colour_table
from openvss.video.formats.contract import Labelled
from openvss.video.formats.style import OverlayStyle
from openvss.video.labelmap import Labels
from openvss.video.pixels import Pixels

Mask = npt.NDArray[np.bool_]

OUTLINE = 1 / 270  # of the frame's shorter side: how wide a word's outline is, inside its region
LINE_LIGHT = 96  # of 256: how much lighter the line between regions is than what it lies on

# The legend
ROWS = 16
SMALLEST_FONT, LARGEST_FONT = 10, 36
FONT_SHARE = 1 / 30  # of the frame's shorter side
LINE = 1.5  # height of a row, in font sizes
MOST_HEIGHT, MOST_WIDTH = 0.92, 0.4  # of the frame
FEWEST_ROWS = 2  # a frame without room for as many gets no legend
BACKING = (12, 14, 18, 165)
RIM = (255, 255, 255, 110)  # around the colours, so that dark ones are seen
TEXT = (255, 255, 255, 255)
SMOOTH = 4  # shapes are drawn this much larger, then reduced


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
            self._legend.draw(picture, item.counts)
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
    """Lists the words of a video, in fixed places of the top left corner.

    All of them if there is room. Otherwise the largest ones of the frame: a word keeps its row until the row
    is needed for one that is larger, so rows do not jump.
    """

    def __init__(self, classes: Sequence[ClassInfo], size: tuple[int, int]) -> None:
        width, height = size
        font_size = min(LARGEST_FONT, max(SMALLEST_FONT, round(min(size) * FONT_SHARE)))
        self._classes = classes
        self._font_size = font_size
        self._font = ImageFont.load_default(font_size)
        self._widest = int(MOST_WIDTH * width)
        self._places = min(ROWS, len(classes), int((MOST_HEIGHT * height / font_size - 1) / LINE))
        room_for_text = self._widest >= 6 * font_size
        if self._places < min(FEWEST_ROWS, len(classes)) or not room_for_text:
            self._places = 0
        self._rows: list[int] = list(range(len(classes))) if self._places == len(classes) else []
        self._drawn: tuple[int, ...] = ()
        self._panel = np.zeros((0, 0, 4), dtype=np.uint16)

    def draw(self, picture: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64]) -> None:
        """Put the legend into the top left corner of an RGB picture; `counts` are the pixels of each word."""
        if not self._places:
            return
        self._choose(counts[: len(self._classes)])
        if tuple(self._rows) != self._drawn:
            self._drawn = tuple(self._rows)
            self._panel = self._render([self._classes[i] for i in self._rows])
        margin = self._font_size // 2
        height, width = self._panel.shape[:2]
        corner = picture[margin : margin + height, margin : margin + width]
        panel = self._panel[: corner.shape[0], : corner.shape[1]]
        alpha = panel[..., 3:]
        mixed = corner * (255 - alpha) + panel[..., :3] * alpha
        corner[:] = ((mixed + 127) // 255).astype(np.uint8)

    def _choose(self, counts: npt.NDArray[np.int64]) -> None:
        if self._places == len(self._classes):
            return
        largest = np.argsort(-counts, kind="stable")[: self._places]
        for word in (int(i) for i in largest if counts[i] and i not in self._rows):
            if len(self._rows) < self._places:
                self._rows.append(word)
            else:
                smallest = min(range(self._places), key=lambda row: counts[self._rows[row]])
                self._rows[smallest] = word

    def _render(self, rows: Sequence[ClassInfo]) -> npt.NDArray[np.uint16]:
        """The panel with the given words: (h, w, 4) RGBA, uint16 to leave room for products."""
        size = self._font_size
        line, pad, swatch = round(size * LINE), size // 2, size
        text_left = pad + swatch + size // 2
        names = [self._shortened(c.name, self._widest - text_left - pad) for c in rows]
        width = text_left + max((round(self._font.getlength(n)) for n in names), default=0) + pad
        height = 2 * pad + line * len(rows)
        shapes = Image.new("RGBA", (width * SMOOTH, height * SMOOTH))
        draw = ImageDraw.Draw(shapes)
        draw.rounded_rectangle((0, 0, width * SMOOTH - 1, height * SMOOTH - 1), pad * SMOOTH, BACKING)
        for row, info in enumerate(rows):
            top = pad + row * line + (line - swatch) // 2
            box = (pad, top, pad + swatch, top + swatch)
            corners = [SMOOTH * side for side in box]
            draw.rounded_rectangle(corners, size * SMOOTH // 4, (*info.colour, 255), RIM, SMOOTH)
        panel = shapes.reduce(SMOOTH)
        draw = ImageDraw.Draw(panel)
        for row, name in enumerate(names):
            middle = pad + row * line + line / 2
            draw.text((text_left, middle), name, TEXT, font=self._font, anchor="lm")
        return np.asarray(panel).astype(np.uint16)

    def _shortened(self, name: str, room: int) -> str:
        if self._font.getlength(name) <= room:
            return name
        while name and self._font.getlength(name + "…") > room:
            name = name[:-1]
        return name.rstrip() + "…"
