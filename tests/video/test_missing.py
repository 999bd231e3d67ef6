"""Frames that are missing without other signs of damage."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from openvss.errors import BrokenVideoError
from openvss.video.missing import Rhythm
from openvss.video.part import Part
from openvss.video.sources import open_source
from tests.video.clips import index_of, picture, write_clip

RATE = Fraction(25)
N = 24


@pytest.mark.parametrize(
    ("steps", "gap"),
    [
        ([1, 1, 3, 1, 1], 2),
        ([1, 1, Fraction(7, 4), 1, 1], 2),  # a frame is missing, and the times are rounded
        ([1, 1, Fraction(5, 4), Fraction(3, 4), 1], None),
        ([1, 1, Fraction(3, 2), 1, 1], None),  # not a whole number of frames: the rate varies
        ([1, 1, 3, Fraction(1, 2), 1], None),
        ([1, 1, 3, 1, 3], None),  # too often
        ([*[1] * 20, 3, *[1] * 20, 3], 20),
        ([*[1] * 20, 3, *[1] * 19, 3], None),
        ([1, 3], None),
        ([1, 1, 1], None),
        ([], None),
    ],
)
def test_a_gap_is_where_all_other_steps_are_equal(steps: list[Fraction | int], gap: int | None) -> None:
    rhythm, time = Rhythm(RATE), Fraction(3)
    times = [time, *(time := time + step / RATE for step in steps)]
    for time in times:
        rhythm.add(time)
    assert rhythm.gap() == (None if gap is None else (gap, times[gap]))


def test_without_a_rate_there_is_no_gap() -> None:
    rhythm = Rhythm(None)
    for time in (0, 1, 2, 5):
        rhythm.add(Fraction(time))
    assert rhythm.gap() is None


def warnings(path: Path, caplog: pytest.LogCaptureFixture) -> tuple[int, list[str]]:
    """Frames, and what was said about them in two passes."""
    source = open_source(path)
    counts = [sum(1 for _ in source) for _ in range(2)]
    assert counts[0] == counts[1]
    return counts[0], [record.message.removeprefix(str(path)) for record in caplog.records]


def test_a_gap_in_a_recording_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = {"bf": "0"}
    first = write_clip(tmp_path / "first.ts", n=4, options=options).read_bytes()
    second = write_clip(tmp_path / "second.ts", n=4, start=Fraction(7, 15), options=options).read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(first + second)
    assert warnings(path, caplog) == (8, [" has a gap after frame 3 (0.200 s): frames may be missing there."])


@pytest.mark.parametrize("missing", [1, 4])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("a.webm", {"options": {"threads": "1"}}),
        ("a.flv", {"codec": "flv1"}),
    ],
)
def test_an_end_before_what_the_file_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, how: dict[str, Any], missing: int
) -> None:
    path = write_clip(tmp_path / name, frames=[picture(i) for i in range(N)], **how)
    assert warnings(path, caplog) == (N, [])
    with av.open(path) as clip:
        places = [packet.pos for packet in clip.demux(video=0) if packet.size]
    size = path.stat().st_size
    data = path.read_bytes()[: places[-missing]]
    if name == "a.avi":  # its size is made right
        data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    if name == "a.webm":  # the same, and without the head of a block
        data = data[:-4] + bytes(size - len(data) + 4)
    path.write_bytes(data)
    n, (sentence,) = warnings(path, caplog)
    assert n == N - missing
    said = re.fullmatch(r" promises 1\.600 s but ends at (.*) s: frames may be missing\.", sentence)
    assert said is not None
    assert float(said[1]) == pytest.approx(n / 15, abs=0.002)


IRREGULAR = [Fraction(t, 1000) for t in (0, 30, 45, 120, 900, 901, 5000)]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {"times": IRREGULAR, "time_base": Fraction(1, 1000)}),
        ("a.mkv", {"times": IRREGULAR, "time_base": Fraction(1, 1000)}),
        ("a.mp4", {"audio": True}),
        ("a.mkv", {"audio": True}),
        ("a.webm", {"audio": True}),
        ("a.avi", {"audio": True}),
        ("a.flv", {"codec": "flv1", "fps": 30}),
        ("a.ts", {"fps": Fraction(30000, 1001)}),
        ("a.mkv", {"fps": Fraction(60000, 1001)}),
        ("a.gif", {"pix_fmt": "gray"}),
    ],
)
def test_healthy_files_get_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, how: dict[str, Any]
) -> None:
    path = write_clip(tmp_path / name, frames=[picture(i) for i in range(7)], **how)
    assert warnings(path, caplog) == (7, [])


def test_a_part_is_not_asked_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_clip(tmp_path / "a.avi", frames=[picture(i) for i in range(N)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10] + bytes(len(data) - len(data) * 9 // 10))
    assert len(list(open_source(path, part=Part(max_frames=8)))) == 8
    assert not caplog.records


def fragmented(path: Path) -> bytearray:
    noise = np.random.default_rng(0)
    frames = [picture(i) for i in range(12)]
    for frame in frames:
        frame[:24, :32] = noise.integers(0, 256, (24, 32, 3))
    flags = {"movflags": "frag_keyframe+empty_moov"}
    clip = write_clip(path, frames=frames, container_options=flags, options={"g": "4", "bf": "0"})
    return bytearray(clip.read_bytes())


@pytest.mark.parametrize("tail", [b"", bytes(3000), b"\0\0\0\x10junk" + bytes(8), b"\xff" * 3000])
def test_fragments_with_whatever_behind_them_are_whole(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(fragmented(path) + tail)
    assert len(list(open_source(path))) == 12


@pytest.mark.parametrize("box", [b"moof", b"mdat"])
@pytest.mark.parametrize("header", [bytes(8), b"\xf0\x11\x22\x33\x99\x88\x77\x66"])
def test_a_fragment_out_of_reach_is_told(tmp_path: Path, box: bytes, header: bytes) -> None:
    path = tmp_path / "a.mp4"
    data = fragmented(path)
    place = data.index(box, data.index(box) + 1) - 4
    data[place : place + 8] = header
    path.write_bytes(data)
    frames = iter(open_source(path))
    assert [index_of(frame.pixels) for frame in islice(frames, 3)] == [0, 1, 2]
    with pytest.raises(BrokenVideoError, match="was cut short at"):
        list(frames)


def test_a_transport_stream_that_ends_in_zeros(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", frames=[picture(i) for i in range(12)], options={"g": "4"})
    data = path.read_bytes()
    packets = len(data) // 188
    path.write_bytes(data[: (packets - 4) * 188] + bytes(4 * 188))
    with pytest.raises(BrokenVideoError, match="was cut short at"):
        list(open_source(path))
