"""Parts of a video: exactly the frames that decoding everything and selecting gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from openvss.errors import BrokenVideoError, InputError
from openvss.video import jump
from openvss.video.container import VideoFile
from openvss.video.decoding import open_container, video_stream
from openvss.video.frame import Frame
from openvss.video.part import Part, Picker, clock, seconds
from openvss.video.sources import open_source
from tests.video.clips import cut, picture, write_clip, write_frames

N = 72
VFR = [Fraction(t * 66 + (t * t * 7) % 51, 1000) for t in range(N)]
FINE = Fraction(1, 1000)
MAKERS: dict[str, Callable[[Path], Path]] = {
    "b-frames.mp4": lambda p: write_clip(p, n=N, options={"bf": "3", "g": "16"}),
    "open-gop.mp4": lambda p: write_clip(
        p, n=N, options={"x264-params": "open-gop=1:bframes=3:keyint=16:scenecut=0"}
    ),
    "refresh.mkv": lambda p: write_clip(
        p, n=N, size=(160, 128), options={"intra-refresh": "1", "g": "16", "bf": "0"}
    ),
    "one-key.mp4": lambda p: write_clip(p, n=N, options={"g": "999", "sc_threshold": "0"}),
    "vfr.mkv": lambda p: write_clip(p, n=N, times=VFR, time_base=FINE, options={"g": "12", "bf": "2"}),
    "late.ts": lambda p: write_clip(p, n=N, start=Fraction(3), options={"g": "12", "bf": "2"}),
    "late.mkv": lambda p: write_clip(p, n=N, start=Fraction(2), options={"g": "12"}),
    "hevc.mp4": lambda p: write_clip(
        p, n=N, codec="libx265", options={"x265-params": "keyint=16:open-gop=1:bframes=3:log-level=none"}
    ),
    "vp9.webm": lambda p: write_clip(p, n=N, options={"g": "16", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg2.mpg": lambda p: write_clip(p, n=110, fps=25, options={"g": "12", "bf": "2"}),
    "mpeg4.avi": lambda p: write_clip(p, n=N, options={"g": "12"}),
    "mpeg4.mp4": lambda p: write_clip(p, n=N, codec="mpeg4", options={"g": "12", "bf": "2"}),
    "intra.mkv": lambda p: write_clip(p, n=N, codec="mjpeg", pix_fmt="yuvj420p"),
    "lossless.mkv": lambda p: write_clip(p, n=N, codec="ffv1", options={"g": "12"}),
    "moving.gif": lambda p: write_clip(p, n=N, fps=10, pix_fmt="rgb8"),
}
JUMPS = {"b-frames.mp4", "vfr.mkv", "late.ts", "late.mkv", "hevc.mp4", "vp9.webm", "mpeg2.mpg", "mpeg4.avi",
         "mpeg4.mp4", "intra.mkv"}  # fmt: skip
PARTS = (
    {"start": "2"},
    {"start": "2.5", "end": "3.2"},
    {"end": "1.3"},
    {"start": "1", "every": "7", "end": "4"},
    {"start": "1.07", "every": "0.4s", "max_frames": 5},
    {"max_frames": 3},
    {"start": "3", "max_frames": 1},
    {"every": "10"},
)


@pytest.fixture(scope="module", params=sorted(MAKERS))
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    return MAKERS[name](tmp_path_factory.mktemp("parts") / name)


def select(frames: list[Frame], part: Part) -> list[Frame]:
    """What a part means, in the plainest way."""
    first = frames[0].time
    after = [f for f in frames if f.time - first >= part.start]
    inside = [f for f in after if part.end is None or f.time - first < part.end]
    if part.period is None:
        picked = inside[:: part.every]
    else:
        cells = [(f.time - inside[0].time) // part.period for f in inside]
        picked = [f for i, f in enumerate(inside) if i == 0 or cells[i] > cells[i - 1]]
    chosen = picked if part.max_frames is None else picked[: part.max_frames]
    made = []
    for number, frame in enumerate(chosen):
        nexts = picked[number + 1 :] or after[len(inside) :]
        end = nexts[0].time if nexts else frames[-1].time + (frames[-1].duration or 0)
        last = frame is frames[-1]
        made.append(replace(frame, index=number, duration=frame.duration if last else end - frame.time))
    return made


def check_same(found: list[Frame], wanted: list[Frame]) -> None:
    assert [(f.index, f.time, f.duration) for f in found] == [(f.index, f.time, f.duration) for f in wanted]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(found, wanted, strict=True))


def test_any_part_is_what_decoding_everything_and_selecting_gives(clip: Path) -> None:
    everything = list(VideoFile(clip, clip.name))
    assert len(everything) >= N
    for given in PARTS:
        part = Part.of(**given)
        source = VideoFile(clip, clip.name, part)
        check_same(list(source), select(everything, part))
        check_same(list(source), select(everything, part))  # again


def test_decoding_begins_near_the_part_where_that_is_exact(clip: Path) -> None:
    source = VideoFile(clip, clip.name, Part.of(start="3.5"))
    assert (source._jump is not None and source._jump.packets > 20) == (clip.name in JUMPS)


def test_mended_times_forbid_a_jump(tmp_path: Path) -> None:
    """Two recordings in one file: the second begins at 0 again, and its frames are moved behind the first."""
    one = write_clip(tmp_path / "one.ts", n=20, options={"g": "5", "bf": "0"})
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() * 2)
    everything = list(VideoFile(joined, "joined"))
    part = Part.of(start="0.9")
    check_same(list(VideoFile(joined, "joined", part)), select(everything, part))


def test_open_groups_of_pictures_are_not_entered(tmp_path: Path) -> None:
    clip = MAKERS["open-gop.mp4"](tmp_path / "open-gop.mp4")
    with open_container(str(clip)) as container:
        keys = [p.pts for p in container.demux(video_stream(container, "clip")) if p.is_keyframe]
    assert len(keys) > 3
    with open_container(str(clip)) as container:
        assert jump.find_jump(container, video_stream(container, "clip"), Fraction(4)) is None


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([(0, "k"), (1, ""), (2, ""), (3, "k"), (4, ""), (9, "k")], (3, 3)),
        ([(0, "k"), (1, ""), (1, ""), (3, "k"), (4, "")], None),  # repeated
        ([(0, "k"), *((i, "") for i in range(1, 60)), (5, ""), (60, "k")], None),  # a step back
        ([(0, "k"), (5, ""), (3, "k"), (7, "k")], None),  # a step back to a key frame
        ([(0, "k"), (None, ""), (3, "k")], None),
        ([(0, "k"), (1, "c"), (3, "k")], None),
    ],
)
def test_where_decoding_may_begin(
    packets: list[tuple[int | None, str]], expected: tuple[int, int] | None
) -> None:
    made = [
        SimpleNamespace(pts=pts, dts=pts, is_keyframe=flag == "k", is_corrupt=flag == "c")
        for pts, flag in packets
    ]
    container: Any = SimpleNamespace(demux=lambda stream: made)
    stream: Any = SimpleNamespace(time_base=Fraction(1), codec_context=SimpleNamespace(name="vp9"))
    time = Fraction(4) if len(packets) < 20 else Fraction(60)
    found = jump.find_jump(container, stream, time if expected else Fraction(60))
    assert found == (expected and jump.Jump(*expected))


def test_pictures_that_need_what_came_before_are_left_out(tmp_path: Path) -> None:
    clip = MAKERS["hevc.mp4"](tmp_path / "hevc.mp4")
    with open_container(str(clip)) as container:
        found = jump.find_jump(container, video_stream(container, "clip"), Fraction(4))
    assert found is not None
    times = []
    for start in (found, None):
        with open_container(str(clip)) as container:
            packets = jump.packets_from(container, video_stream(container, "clip"), start)
            times.append([packet.pts for packet in packets if packet.pts is not None])
    after = times[1][found.packets :]
    assert min(after) < found.pts
    assert times[0] == [pts for pts in after if pts >= found.pts]


@pytest.mark.parametrize("part", PARTS)
def test_folders_of_frames(tmp_path: Path, part: dict[str, str]) -> None:
    folder = write_frames(tmp_path / "frames", [f"{i}.png" for i in range(N)])
    everything = list(open_source(folder))
    wanted = Part.of(**part)  # type: ignore[arg-type]
    source = open_source(folder, part=wanted)
    chosen = select(everything, wanted)
    check_same(list(source), chosen)
    assert source.n_frames == len(chosen)
    assert [f.name for f in source.files] == [f"{round(frame.time * 15)}.png" for frame in chosen]


@pytest.mark.parametrize("part", PARTS)
def test_arrays(part: dict[str, str]) -> None:
    arrays = [picture(i) for i in range(N)]
    wanted = Part.of(**part)  # type: ignore[arg-type]
    source = open_source(arrays, part=wanted)
    chosen = select(list(open_source(arrays)), wanted)
    check_same(list(source), chosen)
    assert source.n_frames == len(chosen)


def test_a_stream_address(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=30)
    wanted = Part.of(start="0.5", every="3", max_frames=4)
    found = list(open_source(f"async://{clip}", part=wanted))
    expected = select(list(VideoFile(clip, "clip")), wanted)
    assert [(f.index, f.time) for f in found] == [(f.index, f.time) for f in expected]


def test_damage_counts_only_inside(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", n=60, options={"g": "10"})
    cut(clip, 0.8)
    with pytest.raises(BrokenVideoError, match="cut short"):
        list(VideoFile(clip, "clip", Part.of(start=2)))
    assert len(list(VideoFile(clip, "clip", Part.of(start=1, end=2)))) == 15
    assert len(list(VideoFile(clip, "clip", Part.of(max_frames=4)))) == 4
    with pytest.raises(InputError, match=r"no frame at or after 3\.9 s \(--start\): clip was cut short"):
        VideoFile(clip, "clip", Part.of(start=3.9))


def test_damage_that_was_met_behind_the_part_is_left_out(tmp_path: Path) -> None:
    source = VideoFile(write_clip(tmp_path / "clip.mp4"), "clip", Part.of(end=2))
    source._check_end(3, Fraction(2), [(3, Fraction(2))], Fraction(2))
    with pytest.raises(BrokenVideoError, match=r"damaged at frame 2 \(1\.9"):
        source._check_end(3, Fraction(2), [(2, Fraction("1.9"))], Fraction(2))


def test_parts_without_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=30)
    folder = write_frames(tmp_path / "frames", [f"{i}.png" for i in range(30)])
    with pytest.raises(InputError, match=r"no frame at or after 1:00 \(--start\): it lasts 2 s"):
        open_source(clip, part=Part.of(start=60))
    with pytest.raises(InputError, match=r"no frame from 1\.01 s to before 1\.02 s \(--start, --end\)"):
        open_source(clip, part=Part.of(start=1.01, end=1.02))
    with pytest.raises(InputError, match=r"its 30 frames at 15 a second \(--fps\) last 2 s"):
        open_source(folder, part=Part.of(start=60))
    with pytest.raises(InputError, match=r"0\.png is one image; leave out --start"):
        open_source(folder / "0.png", part=Part.of(end=1))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("65", 65), ("1:05", 65), ("1:00:05.5", Fraction(36055, 10)), (65.25, Fraction(261, 4)), ("90:00", 5400),
     (Fraction(1, 3), Fraction(1, 3)), (0, 0), (" 0:00 ", 0)],
)  # fmt: skip
def test_times(text: str | float | Fraction, wanted: Fraction) -> None:
    assert seconds("start", text) == wanted


@pytest.mark.parametrize(
    "text", ["1:99", "-1", "", "1:2:3:4", "1:60:00", "soon", "1e3", "1:", ":5", "1.5:10", "nan", "1:5.", -2]
)
def test_what_is_no_time(text: str | float) -> None:
    with pytest.raises(InputError, match=r"The end \(--end\) is a time such as 65, 1:05 or 1:00:05.5, not"):
        seconds("end", text)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "0s", "1m", ""])
def test_what_is_no_step(text: str) -> None:
    with pytest.raises(
        InputError, match=r"--every is a number of frames such as 10, or seconds such as 0\.5s"
    ):
        Part.of(every=text)


def test_what_is_no_part() -> None:
    with pytest.raises(InputError, match="The end, 5 s, must be later than the start, 1:00"):
        Part.of(start=60, end=5)
    with pytest.raises(InputError, match="at least 1, not 0"):
        Part.of(max_frames=0)


def test_settings_and_clock() -> None:
    assert Part.of(start=0).settings() is None
    assert Part.of("0:01.5", every="2s").settings() == {
        "start": "3/2", "end": None, "every": "2s", "max_frames": None
    }  # fmt: skip
    assert [clock(Fraction(t)) for t in ("5", "65.5", "3600", "3725")] == [
        "5 s",
        "1:05.5",
        "1:00:00",
        "1:02:05",
    ]


def test_a_picker_knows_when_it_is_done() -> None:
    picker = Picker(Part.of(max_frames=2, every=2))
    assert [picker.picks(Fraction(i)) for i in range(3)] == [True, False, True]
    assert picker.full
    assert not picker.over
    assert [picker.picks(Fraction(i)) for i in (3, 4)] == [False, False]
    assert picker.over
