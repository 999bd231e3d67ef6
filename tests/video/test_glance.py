"""A few frames of any input."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from openvss.video import glance as glancing
from openvss.video.glance import glance
from openvss.video.part import Part
from openvss.video.sources import open_source
from tests.video.clips import index_of, picture, write_clip, write_frames


def test_long_videos_are_entered_at_key_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=240, options={"g": "8"})
    monkeypatch.setattr(glancing, "_all", lambda *_: pytest.fail("decoded everything"))
    found = glance(open_source(clip), 9)
    assert len(found) == 9
    for number, frame in enumerate(found):
        assert abs(frame.time - (number + Fraction(1, 2)) * Fraction(16, 9)) <= Fraction(9, 10)
        assert index_of(frame.pixels) == round(frame.time * 15) % 24
    part = glance(open_source(clip, part=Part.of(start=4, end=14.5)), 9)
    assert 4 <= part[0].time < 6
    assert 12 < part[-1].time <= 14.5


def test_everything_else(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=20)
    assert [frame.index for frame in glance(open_source(clip), 3)] == [0, 8, 18]
    assert len(glance(open_source(clip), 9)) == 9
    folder = write_frames(tmp_path / "frames", [f"{i}.png" for i in range(21)])
    assert [frame.index for frame in glance(open_source(folder), 3)] == [0, 10, 20]
    late = glance(open_source(folder, part=Part.of(start=1)), 2)
    assert [(frame.time, index_of(frame.pixels)) for frame in late] == [(1, 15), (Fraction(4, 3), 20)]
    assert len(glance(open_source(folder / "0.png"), 9)) == 1
    assert [f.index for f in glance(open_source([picture(i) for i in range(5)]), 2)] == [0, 4]
    gif = write_clip(tmp_path / "a.gif", n=200, fps=10, pix_fmt="rgb8")
    found = glance(open_source(gif), 9)
    assert len(found) == 9
    assert not np.array_equal(found[0].pixels, found[1].pixels)
