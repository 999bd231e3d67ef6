"""Video files: containers, clocks, orientation, sizes and colours."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.reformatter import Colorspace

from openvss.video.frame import Frame
from openvss.video.sources import open_source
from tests.video.clips import Pixels, index_of, picture, write_clip

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def read(path: Path) -> list[Frame]:
    return list(open_source(path))


def indices(frames: list[Frame]) -> list[int]:
    return [index_of(f.pixels) for f in frames]


def colour(pixels: Pixels, across: float, down: float) -> Pixels:
    height, width = pixels.shape[:2]
    spot: Pixels = pixels[int(down * height), int(across * width)]
    return spot


def assert_close(actual: Pixels, wanted: tuple[int, int, int], tolerance: int = 8) -> None:
    assert np.abs(actual.astype(int) - wanted).max() <= tolerance, (actual, wanted)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".flv", ".h264"])
def test_containers(tmp_path: Path, suffix: str) -> None:
    codec = "libx264" if suffix == ".h264" else None
    source = open_source(write_clip(tmp_path / f"a{suffix}", n=8, codec=codec))
    frames = list(source)
    assert (source.kind, source.size, source.rate) == ("video", (64, 48), Fraction(15))
    assert indices(frames) == [f.index for f in frames] == list(range(8))
    steps = [b.time - a.time for a, b in pairwise(frames)]
    assert all(abs(step - Fraction(1, 15)) <= Fraction(1, 1000) for step in steps)
    assert [f.duration for f in frames[:-1]] == steps
    assert frames[-1].duration is not None
    assert all(f.pixels.flags.c_contiguous and f.pixels.dtype == np.uint8 for f in frames)


def test_gif(tmp_path: Path) -> None:
    frames = read(write_clip(tmp_path / "a.gif", pix_fmt="gray", n=8))
    assert indices(frames) == list(range(8))
    assert open_source(tmp_path / "a.gif").kind == "video"


def test_exact_timestamps_of_ntsc_rates(tmp_path: Path) -> None:
    frames = read(write_clip(tmp_path / "a.mp4", n=4, fps=Fraction(30000, 1001)))
    assert [f.time for f in frames] == [Fraction(1001 * i, 30000) for i in range(4)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_start_other_than_zero_is_kept(tmp_path: Path, suffix: str) -> None:
    frames = read(write_clip(tmp_path / f"a{suffix}", n=3, start=5))
    assert frames[0].time == 5
    assert indices(frames) == [0, 1, 2]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate(tmp_path: Path, suffix: str) -> None:
    times = [Fraction(t, 1000) for t in (0, 30, 45, 120, 900, 901, 1800)]
    path = write_clip(tmp_path / f"a{suffix}", n=7, times=times, time_base=Fraction(1, 1000))
    frames = read(path)
    assert [f.time for f in frames] == times
    assert [f.duration for f in frames[:2]] == [Fraction(30, 1000), Fraction(15, 1000)]
    assert indices(frames) == list(range(7))


def test_timestamps_that_stand_still_or_step_back_are_moved_on(tmp_path: Path) -> None:
    """Two recordings appended to one another, as broken recorders do: the second one's clock starts anew."""
    part = write_clip(tmp_path / "part.ts", n=4, options={"bf": "0"}).read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    frames = read(tmp_path / "both.ts")
    assert indices(frames) == [0, 1, 2, 3, 0, 1, 2, 3]
    assert all(b.time > a.time for a, b in pairwise(frames))
    assert frames[5].time - frames[4].time == Fraction(1, 90000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("rotation", "flipped", "corners"),
    [  # top left, top right, bottom left
        (90, False, (BLUE, RED, None)),
        (180, False, (None, BLUE, GREEN)),
        (270, False, (GREEN, None, RED)),
        (0, True, (GREEN, RED, None)),
        (90, True, (RED, BLUE, GREEN)),
    ],
)
def test_rotation(
    tmp_path: Path, suffix: str, rotation: int, flipped: bool, corners: tuple[Any, ...]
) -> None:
    source = open_source(write_clip(tmp_path / f"a{suffix}", n=2, rotation=rotation, flipped=flipped))
    assert source.size == ((48, 64) if rotation in (90, 270) else (64, 48))
    for frame in source:
        assert frame.pixels.shape == (source.size[1], source.size[0], 3)
        for wanted, place in zip(corners, ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75)), strict=True):
            if wanted:
                assert_close(colour(frame.pixels, *place), wanted)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("odd.mp4", {"size": (33, 35), "pix_fmt": "yuv444p"}),
        ("odd420.webm", {"size": (33, 35)}),
        (
            "ten.mp4",
            {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
        ),
        ("prores.mov", {"codec": "prores", "pix_fmt": "yuv422p10le"}),
        ("jpeg.mov", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("rgb.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}),
        ("argb.mov", {"codec": "qtrle", "pix_fmt": "argb"}),
        ("full.mp4", {"full_range": True, "matrix": Colorspace.ITU709}),
        ("bt709.mp4", {"full_range": False, "matrix": Colorspace.ITU709}),
        ("bt601.mp4", {"full_range": False, "matrix": Colorspace.ITU601}),
        ("hd601.mp4", {"size": (1280, 64), "full_range": False, "matrix": Colorspace.ITU601}),
    ],
)
def test_pixel_formats_sizes_and_colours(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    source = open_source(write_clip(tmp_path / name, n=3, **how))
    assert source.size == how.get("size", (64, 48))
    frames = list(source)
    assert indices(frames) == [0, 1, 2]
    for place, wanted in (((0.25, 0.25), RED), ((0.75, 0.25), GREEN), ((0.25, 0.75), BLUE)):
        assert_close(colour(frames[0].pixels, *place), wanted)


@pytest.mark.parametrize(
    ("size", "assumed"), [((1280, 64), Colorspace.ITU709), ((640, 64), Colorspace.ITU601)]
)
def test_untagged_video_is_bt709_if_hd_else_bt601(
    tmp_path: Path, size: tuple[int, int], assumed: Colorspace
) -> None:
    tagged = write_clip(tmp_path / "tagged.mkv", n=1, size=size, codec="ffv1", matrix=assumed)
    data = tagged.read_bytes()
    matrix_element = b"\x55\xb1\x81"  # MatrixCoefficients, one byte
    at = data.index(matrix_element) + len(matrix_element)
    (tmp_path / "untagged.mkv").write_bytes(data[:at] + b"\x02" + data[at + 1 :])
    (with_tag,), (without_tag,) = read(tagged), read(tmp_path / "untagged.mkv")
    assert_close(colour(with_tag.pixels, 0.25, 0.25), RED)
    assert_close(colour(without_tag.pixels, 0.25, 0.25), RED)


def test_greyscale(tmp_path: Path) -> None:
    (frame, *_) = read(write_clip(tmp_path / "a.mkv", codec="ffv1", pix_fmt="gray", n=2))
    assert (frame.pixels[..., 0] == frame.pixels[..., 2]).all()
    assert index_of(frame.pixels) == 0


def test_transparency_goes_over_black(tmp_path: Path) -> None:
    alpha = np.zeros((48, 64), np.uint8)
    alpha[:, 32:] = 255
    rgba = np.dstack([np.full((48, 64, 3), 200, np.uint8), alpha])
    (frame,) = read(write_clip(tmp_path / "a.mov", frames=[rgba], codec="qtrle", pix_fmt="argb"))
    assert (frame.pixels[:, :32] == 0).all()
    assert (frame.pixels[:, 32:] == 200).all()


def test_a_change_of_size_is_rescaled_to_the_first_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = write_clip(tmp_path / "small.ts", n=3, options={"bf": "0"})
    large = write_clip(tmp_path / "large.ts", n=3, size=(96, 80), start=Fraction(1, 5), options={"bf": "0"})
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    source = open_source(tmp_path / "both.ts")
    for _ in range(2):  # told once
        frames = list(source)
        assert {f.pixels.shape for f in frames} == {(48, 64, 3)}
        assert indices(frames) == [0, 1, 2, 0, 1, 2]
    assert [record.message for record in caplog.records] == [
        f"{tmp_path / 'both.ts'} changes its size from 64x48 to 96x80: all frames are labelled, at the first "
        "size."
    ]


@pytest.mark.parametrize("turn", [0, 90])
def test_no_word_where_the_size_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture, turn: int) -> None:
    read(write_clip(tmp_path / "a.mp4", n=3, rotation=turn))
    assert not caplog.records


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    """The clip next to it is found."""
    import av

    path = tmp_path / "a.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.add_attachment("cover.png", "image/png", b"\x89PNG\r\n\x1a\n")
        for i in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i), "rgb24")))
        container.mux(stream.encode())
    assert len(read(path)) == 3
