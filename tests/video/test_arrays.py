"""Arrays in memory as frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openvss.errors import InputError
from openvss.video.sources import open_source
from tests.video.clips import index_of, picture


def test_arrays() -> None:
    source = open_source([picture(i) for i in range(3)], fps=Fraction(4))
    frames = list(source)
    assert (source.kind, source.size, source.n_frames, source.path) == ("arrays", (64, 48), 3, None)
    assert [f.time for f in frames] == [0, Fraction(1, 4), Fraction(1, 2)]
    assert {f.duration for f in frames} == {Fraction(1, 4)}
    assert np.array_equal(frames[2].pixels, picture(2))
    assert open_source(np.stack([picture(0)] * 2)).n_frames == 2


def test_arrays_have_15_frames_a_second_unless_told() -> None:
    assert open_source([picture(0)]).rate == 15


def test_grey_and_transparent_arrays() -> None:
    grey = np.full((4, 6), 77, np.uint8)
    see_through = np.dstack([picture(0, (6, 4)), np.full((4, 6), 128, np.uint8)])
    (frame,) = open_source([grey])
    assert frame.pixels.shape == (4, 6, 3)
    assert (frame.pixels == 77).all()
    (frame,) = open_source([see_through])
    assert np.abs(frame.pixels - picture(0, (6, 4)) * (128 / 255)).max() <= 0.5


def test_images_and_paths_are_frames_too(tmp_path: Path) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "1.png")
    source = open_source([Image.fromarray(picture(0)), tmp_path / "1.png", picture(2)])
    assert [index_of(frame.pixels) for frame in source] == [0, 1, 2]
    assert (source.size, source.n_frames) == ((64, 48), 3)


def test_a_generator_is_gone_through_once_and_may_reuse_its_buffer() -> None:
    buffer = np.zeros((48, 64, 3), np.uint8)

    def produce() -> Any:
        for i in range(4):
            buffer[:] = picture(i)
            yield buffer

    source = open_source(produce())
    assert source.n_frames is None
    assert [index_of(f.pixels) for f in list(source)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="used up"):
        iter(source)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ([np.zeros((4, 4, 3))], "Frame 0 is float64: give uint8, "),
        ([np.zeros((4, 4, 2), np.uint8)], r"shape \(4, 4, 2\)"),
        ([np.zeros((0, 4, 3), np.uint8)], "shape"),
        (
            [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)],
            "Array 1 is 5x4, but the first is 4x4",
        ),
        ([np.zeros((4, 4, 3), np.uint8), None], "Frame 1 is of type NoneType"),
        (np.zeros((4, 4, 3), np.uint8), "one frame; put it into a list"),
        (Image.new("RGB", (4, 4)), "one frame; put it into a list"),
        ([], "no frames"),
        (7, "type int"),
    ],
)
def test_arrays_that_cannot_be_used(arrays: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        list(open_source(arrays))
