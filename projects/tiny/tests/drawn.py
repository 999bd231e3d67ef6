"""What the tests of drawn streets and rooms share: made-up pictures, and what every drawing has to be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from projects.tiny.cache import Drawn
from projects.tiny.data import IGNORE, Picture

Colour = tuple[int, int, int]


def picture(
    folder: Path, names: Sequence[str], name: str, colour: Colour, box: tuple[int, int, int, int]
) -> Picture:
    """Grey, with a rectangle that is `name`."""
    pixels, ids = np.full((120, 160, 3), 90, np.uint8), np.full((120, 160), IGNORE, np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right], ids[top:bottom, left:right] = colour, names.index(name)
    image, label = folder / f"{name}.png", folder / f"{name}-label.png"
    Image.fromarray(pixels).save(image)
    Image.fromarray(ids).save(label)
    return Picture(image, label, np.arange(256, dtype=np.uint8))


def check_drawings(first: Drawn, second: Drawn, numbers: int) -> set[int]:
    """Both draw the same, and every number something else; all ids that were seen."""
    seen: set[int] = set()
    shown = []
    for number in range(numbers):
        pixels, ids = first.draw(number)
        again = second.draw(number)
        assert np.array_equal(pixels, again[0])
        assert np.array_equal(ids, again[1])
        assert pixels.shape == (first.size, first.size, 3)
        assert ids.shape == (first.size, first.size)
        assert 0 <= pixels.min() <= pixels.max() <= 1
        seen |= set(np.unique(ids).tolist())
        shown.append(pixels)
    assert all(not np.array_equal(a, b) for a, b in pairwise(shown))
    return seen
