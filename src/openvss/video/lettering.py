"""Text in pictures, in any script for which this computer has a font.

Latin, Greek and Cyrillic letters are those of Noto Sans, which is a dependency. Letters that it lacks come
from other `fontpkg` packages and the system's fonts. Where none has a letter, its code point is written, such
as U+9053, and not the box that fonts draw for what they lack.
"""

from __future__ import annotations

import functools
import os
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal

import fontpkg
from PIL import Image, ImageDraw, ImageFont

Anchor = Literal["ls", "lm", "lt", "la", "mm", "mt", "rm", "rt", "ra"]
Fill = int | tuple[int, ...]

FAMILY = "Noto Sans"
ABSENT = "\U0010ffff"  # no font has it
PROBE = 24  # size at which fonts are asked for letters
# How far the baseline is below an anchor's place, in font sizes.
BASELINE = {"s": 0.0, "m": 0.35, "t": 0.714, "a": 1.07}
UNUSUAL = ("bold", "italic", "oblique", "black", "light", "thin", "mono", "serif", "condensed")
USELESS = ("lastresort", "adobeblank")  # these have a glyph for everything, and show nothing


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    fill: Fill,
    size: int,
    anchor: Anchor = "ls",
) -> None:
    """Draw a line of text.

    Args:
        draw: What draws on the picture.
        place: Where the anchor is.
        text: Any text.
        fill: The colour.
        size: Of the font.
        anchor: The side (left, middle or right), then the height: `s` is the baseline, `m` the middle, `t`
            the top of capitals, `a` that of their accents.
    """
    x, y = place
    x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * length(text, size)
    y += BASELINE[anchor[1]] * size
    for file, part in _runs(text):
        font = _font(file, size)
        draw.text((x, y), part, fill, font=font, anchor="ls")
        x += font.getlength(part)


def length(text: str, size: int) -> float:
    """How wide a text is."""
    return sum(_font(file, size).getlength(part) for file, part in _runs(text))


def fitted(text: str, size: int, width: float) -> str:
    """The text, shortened with an ellipsis until it is no wider than `width`."""
    if length(text, size) <= width:
        return text
    # Halving: measuring takes time in proportion to the length, and a text may be the names of 800 words.
    longest = bisect_right(range(1, len(text)), width, key=lambda n: length(text[:n] + "…", size))
    return text[:longest].rstrip() + "…"


def without_font(texts: Iterable[str]) -> str:
    """The letters that no font here has."""
    letters = sorted({letter for text in texts for letter in _clean(text)})
    return "".join(letter for letter in letters if _file(letter) is None)


@functools.lru_cache(4096)
def _runs(text: str) -> tuple[tuple[Path, str], ...]:
    """The parts of a text with the file of the font of each."""
    pieces = [(file or _base(), part) for file, part in _pieces(_clean(text))]
    return tuple(
        (file, "".join(part for _, part in run)) for file, run in groupby(pieces, lambda one: one[0])
    )


def _pieces(text: str) -> Iterator[tuple[Path | None, str]]:
    before: Path | None = _base()
    for number, letter in enumerate(text):
        # An accent or a space stays in the font of the letter before it.
        attached = before is not None and (letter == " " or unicodedata.category(letter)[0] == "M")
        file = before if before and attached and _has(before, letter) else _file(letter)
        if file is None:
            letter = f"{' ' if number and before is None else ''}U+{ord(letter):04X}"
        before = file
        yield file, letter


def _clean(text: str) -> str:
    """Composed as far as possible, without what cannot be seen."""
    visible = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    return "".join(
        one for one in visible if unicodedata.category(one) not in ("Cc", "Cf", "Cs") and not _selects(one)
    )


def _selects(letter: str) -> bool:
    """Whether it only chooses a variant of the letter before."""
    return "\ufe00" <= letter <= "\ufe0f"


@functools.cache
def _base() -> Path:
    return fontpkg.path(FAMILY)


@functools.cache
def _file(letter: str) -> Path | None:
    """The first font that has a letter."""
    return next((file for file in (_base(), *_others()) if _has(file, letter)), None)


def _has(file: Path, letter: str) -> bool:
    """Whether a font has a letter of its own for it: what it lacks is drawn as a box, or not at all."""
    if letter == " ":
        return True
    font = _probe(file)
    return font is not None and _drawn(font, letter) not in (_drawn(font, ABSENT), None)


@functools.cache
def _probe(file: Path) -> ImageFont.FreeTypeFont | None:
    try:
        return _font(file, PROBE)
    except OSError:  # broken, or with pictures of a fixed size
        return None


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> bytes | None:
    """The pixels of a letter; None if there are none."""
    width, height = (4 * PROBE, 3 * PROBE)
    picture = Image.new("L", (width, height))
    ImageDraw.Draw(picture).text((PROBE, 2 * PROBE), letter, 255, font=font, anchor="ls")
    return picture.tobytes() if picture.getbbox() else None


@functools.cache
def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size)


@functools.cache
def _others() -> tuple[Path, ...]:
    """Fonts on this computer, plain ones first."""
    found = {
        file
        for folder in _folders()
        for file in folder.rglob("*")
        if file.suffix.lower() in (".ttf", ".otf", ".ttc") and not file.stem.lower().startswith(USELESS)
    }
    return tuple(sorted(found, key=lambda file: (_unusual(file), file.name, file)))


def _unusual(file: Path) -> int:
    return sum(style in file.stem.lower() for style in UNUSUAL)


def _folders() -> list[Path]:
    """Where fonts usually are: other packages of fonts, then the system's and the user's folders."""
    packages = [package / "files" for package in _base().parents[2].glob("fontpkg_*")]
    home = os.path.expanduser("~")  # noqa: PTH111  (`Path.home` fails without one)
    if sys.platform == "win32":
        places = [
            f"{os.environ.get('WINDIR', 'C:/Windows')}/Fonts",
            f"{home}/AppData/Local/Microsoft/Windows/Fonts",
        ]
    elif sys.platform == "darwin":
        places = ["/System/Library/Fonts", "/Library/Fonts", f"{home}/Library/Fonts"]
    else:
        places = [
            "/usr/share/fonts",
            "/usr/local/share/fonts",
            f"{home}/.local/share/fonts",
            f"{home}/.fonts",
        ]
    return [*packages, *map(Path, places)]
