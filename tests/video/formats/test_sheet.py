"""The contact sheet."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
from PIL import Image

from openvss.video.formats.classes import class_infos
from openvss.video.formats.contract import OutputPlan, SourceInfo
from openvss.video.formats.sheet import SheetWriter, Tile, draw_sheet
from openvss.video.formats.style import OverlayStyle
from tests.video import runs
from tests.video.formats.samples import classes, items


def test_a_sheet_shows_the_words_and_frames(tmp_path: Path) -> None:
    size = (48, 36)
    writer = SheetWriter(OutputPlan(tmp_path, classes(), SourceInfo(size), OverlayStyle()))
    for item in items(40, size):
        writer.add(item)
    writer.finish()
    with Image.open(tmp_path / "sheet.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[1] == 3 * 480 + 4 * 12
    bottom = pixels[3 * (360 + 30) + 12 :].reshape(-1, 3)
    for info in classes():
        assert (bottom == info.colour).all(axis=1).any()
    corners = product(range(12, 1170, 390), range(12, 1488, 492))
    tiles = [pixels[top : top + 360, left : left + 480] for top, left in corners]
    assert all(not np.array_equal(a, b) for a, b in pairwise(tiles))
    assert all(tile.std() > 10 for tile in tiles)


def test_words_that_are_not_seen_are_not_listed_and_many_are_cut() -> None:
    made = class_infos([(f"a rather long word number {i}", ()) for i in range(60)])
    shares = np.zeros(61)
    shares[:55] = 1 / 55
    picture = Image.new("RGB", (480, 270))
    many = draw_sheet([Tile(picture, Fraction(0), shares)], made, timed=True)
    shares = np.zeros(61)
    shares[3] = 1
    one = draw_sheet([Tile(picture, Fraction(0), shares)], made, timed=True)
    assert one.height < 270 + 30 + 2 * 32
    assert many.height > one.height + 20 * 32
    assert many.width == one.width


def test_a_resumed_sheet_has_the_same_bytes(tmp_path: Path) -> None:
    whole = runs.finished(tmp_path / "whole", ("sheet",))
    runs.interrupted(tmp_path / "cut", 3, ("sheet",))
    assert runs.finished(tmp_path / "cut", ("sheet",), resume=True) == whole
    assert "sheet.png" in whole
