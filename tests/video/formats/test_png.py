from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openvss.video.formats.masks import is_whole_png
from openvss.video.formats.png import GREY, RGBA, png_bytes


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 3), (33, 35), (640, 2)])
def test_pictures_read_back_as_they_were(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (height, width, 4), np.uint8)
    bits = rng.random((height, width)) < 0.5
    packed = np.packbits(bits, axis=1)
    for name, rows, depth, colour in (
        ("colours", colours.reshape(height, -1), 8, RGBA),
        ("bits", packed, 1, GREY),
    ):
        path = tmp_path / name
        path.write_bytes(png_bytes(rows, width, bits=depth, colour=colour))
        assert is_whole_png(path)
        with Image.open(path) as picture:
            assert picture.size == size
            assert picture.mode == {RGBA: "RGBA", GREY: "1"}[colour]
            assert np.array_equal(np.asarray(picture), {RGBA: colours, GREY: bits}[colour])
