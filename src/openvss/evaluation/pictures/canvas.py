"""What all pictures of a report share: colours, and a colour scale for shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from openvss.video.colours import Colour
from openvss.video.pixels import Pixels

Shares = npt.NDArray[np.float64]

PAPER, INK, FAINT, RULE = (255, 255, 255), (38, 42, 51), (112, 118, 130), (226, 229, 234)
WRONG = (222, 45, 56)
MARGIN = 28

# From paper to deep blue; lightness falls evenly, so it also reads in grey.
SCALE_STOPS: tuple[Colour, ...] = (
    (248, 250, 252),
    (198, 219, 239),
    (107, 164, 212),
    (33, 102, 172),
    (8, 38, 92),
)
# From transparent-looking black over red to pale yellow, for what lies over a darkened frame.
GLOW_STOPS: tuple[Colour, ...] = ((0, 0, 0), (98, 16, 60), (214, 54, 44), (250, 158, 59), (255, 244, 190))


def percent(share: float, digits: int = 1) -> str:
    """A fraction as per cent; a dash where it is not defined."""
    return "–" if np.isnan(share) else f"{100 * share:.{digits}f}"


def scaled(shares: Shares, stops: tuple[Colour, ...] = SCALE_STOPS) -> Pixels:
    """Shares of 0..1 as colours: (..., 3)."""
    places = np.linspace(0, 1, len(stops))
    table = np.array(stops, dtype=np.float64)
    channels = [np.interp(shares, places, table[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def blank(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty sheet and what draws on it."""
    sheet = Image.new("RGB", (width, height), PAPER)
    return sheet, ImageDraw.Draw(sheet)


def panel_height(pixels: Pixels, width: int, tallest: int) -> int:
    """How tall a frame is drawn at a width."""
    return min(tallest, max(1, round(width * pixels.shape[0] / pixels.shape[1])))


def swatch(draw: ImageDraw.ImageDraw, x: float, middle: float, colour: Colour, side: int = 16) -> None:
    """A small square of a word's colour, its left side at `x`."""
    top = middle - side / 2
    draw.rounded_rectangle((x, top, x + side, top + side), 3, colour, outline=RULE)
