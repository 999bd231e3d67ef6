"""Videos that break: every frame before the break, then where it was; and no false alarm."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from openvss.errors import BrokenVideoError, InputError
from openvss.video.frame import Frame
from openvss.video.sources import open_source
from tests.video.clips import Pixels, cut, index_of, picture, write_clip

N = 24
PLAIN = {"g": "8", "bf": "0"}


def busy_frames() -> list[Pixels]:
    """Noise in a corner, so that each frame takes some hundred bytes."""
    noise = np.random.default_rng(0)
    frames = [picture(i) for i in range(N)]
    for frame in frames:
        frame[:24, :32] = noise.integers(0, 256, (24, 32, 3))
    return frames


def read(path: Path) -> tuple[list[Frame], str]:
    """The frames before the error, and the error."""
    frames: list[Frame] = []
    source = open_source(path)
    with pytest.raises(BrokenVideoError) as caught:
        frames.extend(source)
    return frames, str(caught.value)


def break_of(sentence: str) -> tuple[int, Fraction]:
    match = re.search(r"frame (\d+) \(([\d.]+) s\)", sentence)
    assert match is not None, sentence
    return int(match[1]), Fraction(match[2])


def packets(path: Path) -> list[tuple[int, int]]:
    """Position and size of each packet of the picture."""
    with av.open(path) as container:
        return [(p.pos, p.size) for p in container.demux(video=0) if p.size and p.pos is not None]


def overwrite(path: Path, number: int) -> None:
    """Make one packet meaningless."""
    position, size = packets(path)[number]
    data = bytearray(path.read_bytes())
    data[position : position + size] = b"\xff" * size
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "share", "container_options"),
    [
        ("a.mp4", 0.6, {"movflags": "faststart"}),
        ("frag.mp4", 0.6, {"movflags": "frag_keyframe+empty_moov"}),
        ("a.mkv", 0.6, {}),
        ("a.webm", 0.6, {}),
        ("a.avi", 0.8, {}),
    ],
)
@pytest.mark.parametrize("audio", [False, True])
def test_cut_short(
    tmp_path: Path, name: str, share: float, container_options: dict[str, str], audio: bool
) -> None:
    is_h264 = name.endswith((".mp4", ".mkv"))
    options = PLAIN if is_h264 else {"b": "2000000"}
    write_clip(
        tmp_path / name,
        frames=busy_frames(),
        audio=audio,
        options=options,
        container_options=container_options,
    )
    frames, sentence = read(cut(tmp_path / name, share))
    assert 3 < len(frames) < N
    assert [index_of(f.pixels) for f in frames] == list(range(len(frames)))
    assert str(tmp_path / name) in sentence
    assert "was cut short" in sentence
    number, time = break_of(sentence)
    assert number == len(frames)
    assert frames[-1].duration is not None
    assert abs(time - frames[-1].time - frames[-1].duration) < Fraction(1, 1000)


@pytest.mark.parametrize("name", ["a.gif", "a.apng", "a.ts", "a.m2ts", "a.mpg"])
@pytest.mark.parametrize("share", [0.45, 0.7])
def test_cut_short_where_no_size_is_stated(tmp_path: Path, name: str, share: float) -> None:
    """The last packet may be incomplete, so its frame is left out."""
    how: dict[str, dict[str, Any]] = {
        "a.gif": {"pix_fmt": "gray"},
        "a.apng": {"codec": "apng", "pix_fmt": "rgb24"},
        "a.mpg": {"fps": 25},
        "a.ts": {"options": PLAIN},
        "a.m2ts": {"options": PLAIN},
    }
    path = write_clip(tmp_path / name, frames=busy_frames(), **how.get(name, {}))
    frames, sentence = read(cut(path, share))
    assert 3 < len(frames) < N
    assert [index_of(f.pixels) for f in frames] == list(range(len(frames)))
    assert "was cut short at" in sentence
    assert break_of(sentence)[0] == len(frames)


def test_a_gif_cut_between_two_frames_or_with_stray_bytes_there(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.gif", frames=busy_frames(), pix_fmt="gray")
    whole = path.read_bytes()
    position, _ = packets(path)[9]
    for data in (whole[:position], whole[:position] + bytes(3) + whole[position:]):
        path.write_bytes(data)
        frames, sentence = read(path)
        assert len(frames) == 8
        assert "was cut short" in sentence


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.png", "check it with an image viewer"), ("a.mp4", "check it with a video player")],
)
def test_the_advice_fits_the_file(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    with pytest.raises(InputError, match=advice):
        open_source(tmp_path / name)


def test_an_animated_webp_is_to_be_converted(tmp_path: Path) -> None:
    pictures = [Image.fromarray(frame) for frame in busy_frames()[:3]]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:])
    with pytest.raises(InputError, match="animated WebP, convert it to a GIF or a video"):
        open_source(tmp_path / "a.webp")


def test_every_complete_packet_of_a_cut_mp4_is_used(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", frames=busy_frames(), options=PLAIN, container_options={"movflags": "faststart"}
    )
    position, size = packets(path)[17]
    path.write_bytes(path.read_bytes()[: position + size // 2])
    frames, sentence = read(path)
    assert len(frames) == 17
    assert break_of(sentence)[0] == 17


def test_an_mp4_without_its_index_was_cut_short(tmp_path: Path) -> None:
    path = cut(write_clip(tmp_path / "a.mp4", frames=busy_frames()), 0.5)
    with pytest.raises(InputError, match=r"a\.mp4 cannot be read .*: it was cut short; get a complete copy"):
        open_source(path)


@pytest.mark.parametrize("number", [12, N - 1])
def test_a_damaged_packet_loses_one_frame_and_is_reported_at_the_end(tmp_path: Path, number: int) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=busy_frames(), options={"g": "1", "bf": "0"})
    overwrite(path, number)
    frames, sentence = read(path)
    assert [index_of(f.pixels) for f in frames] == [i for i in range(N) if i != number]
    assert [f.index for f in frames] == list(range(N - 1))
    assert "is damaged at" in sentence
    assert break_of(sentence)[0] == number


def test_damage_is_read_the_same_twice(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=busy_frames(), options=PLAIN)
    overwrite(path, 10)
    (first, sentence), (second, same_sentence) = read(path), read(path)
    assert sentence == same_sentence
    assert [f.time for f in first] == [f.time for f in second]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))


def test_a_matroska_file_that_ends_before_its_track_does(tmp_path: Path) -> None:
    """Its size is right, but nothing can be found any more after some place."""
    path = write_clip(tmp_path / "a.webm", frames=busy_frames(), fps=5)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] + bytes(len(data) - half))
    frames, sentence = read(path)
    assert 3 < len(frames) < N
    assert "promises 4.800 s but ends at" in sentence


def test_a_short_matroska_file_that_ends_before_its_track_does(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.webm", frames=busy_frames()[:12])
    data = path.read_bytes()
    position, _ = packets(path)[2]
    path.write_bytes(data[:position] + bytes(len(data) - position))
    frames, sentence = read(path)
    assert len(frames) < 6
    assert "promises 0.800 s but ends at" in sentence


def test_no_frame_left(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=busy_frames(), container_options={"movflags": "faststart"})
    position, _ = packets(path)[0]
    path.write_bytes(path.read_bytes()[: position + 5])
    with pytest.raises(InputError, match="holds no frame that can be decoded: it was cut short"):
        open_source(path)


IRREGULAR = [Fraction(t, 1000) for t in (0, 30, 45, 120, 900, 901, 5000)]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("b.mp4", {"options": {"bf": "3"}, "audio": True}),
        ("b.mkv", {"options": {"bf": "3"}, "audio": True}),
        ("b.avi", {"options": {"bf": "2"}}),
        ("opengop.ts", {"codec": "mpeg2video", "fps": 25, "options": {"bf": "2", "g": "4"}}),
        ("program.mpg", {"fps": 25, "audio": True}),
        ("vp8.webm", {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "8"}}),
        ("vp9.webm", {"options": {"auto-alt-ref": "1", "lag-in-frames": "8"}, "audio": True}),
        ("live.webm", {"container_options": {"live": "1"}}),
        ("frag.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
        ("irregular.mp4", {"times": IRREGULAR, "time_base": Fraction(1, 1000), "n": 7}),
        ("irregular.mkv", {"times": IRREGULAR, "time_base": Fraction(1, 1000), "n": 7}),
        ("late.mkv", {"start": 5}),
        ("one.mp4", {"n": 1}),
        ("raw.h264", {"codec": "libx264"}),
        ("a.gif", {"pix_fmt": "gray"}),
    ],
)
def test_no_false_alarm(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    n = how.pop("n", N)
    assert len(list(open_source(write_clip(tmp_path / name, n=n, **how)))) == n


def test_no_false_alarm_for_stray_bytes_at_the_end(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi"):
        path = write_clip(tmp_path / name, n=5)
        path.write_bytes(path.read_bytes() + b"\x7f\xff\xff\xffnoise" * 9)
        assert len(list(open_source(path))) == 5


def test_no_false_alarm_for_a_recording_that_begins_anywhere(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", frames=busy_frames(), options=PLAIN)
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 3 // 188 * 188 :])
    frames = list(open_source(path))
    assert [index_of(f.pixels) for f in frames] == list(range(N))[-len(frames) :]
