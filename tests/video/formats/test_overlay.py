from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

from openvss.video.formats.contract import Labelled, OutputPlan, SourceInfo
from openvss.video.formats.overlay import OverlayPicture, OverlayVideo
from openvss.video.formats.style import OverlayStyle
from tests.video.formats.samples import NTSC, WORDS, classes, items, labelled, write_source

NO_LEGEND = OverlayStyle(legend=False)


def encode(
    folder: Path, made: Sequence[Labelled], source: SourceInfo, style: OverlayStyle = NO_LEGEND
) -> Path:
    folder.mkdir(exist_ok=True)
    writer = OverlayVideo(OutputPlan(folder, classes(made[0].labels.words), source, style))
    for item in made:
        writer.add(item)
    writer.finish()
    return folder / "overlay.mp4"


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as file:
        return list(file.decode(video=0))


def times(path: Path) -> list[tuple[Fraction, Fraction]]:
    return [
        (frame.pts * frame.time_base, frame.duration * frame.time_base)
        for frame in decoded(path)
        if frame.pts is not None and frame.time_base is not None and frame.duration is not None
    ]


@pytest.mark.parametrize("rate", [NTSC, Fraction(15), Fraction(24000, 1001), Fraction(60)])
def test_the_exact_frame_rate_is_kept(tmp_path: Path, rate: Fraction) -> None:
    path = encode(tmp_path, items(7, rate=rate), SourceInfo((48, 36), rate))
    assert times(path) == [(i / rate, 1 / rate) for i in range(7)]
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.average_rate == rate
        assert stream.frames == 7
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == 7 / rate


def test_variable_timestamps_are_kept_to_the_last_duration(tmp_path: Path) -> None:
    moments = [Fraction(n, 1000) for n in (1500, 1533, 1600, 1601, 2000, 2700)]
    made = items(6, times=moments)
    last = made[-1].frame
    object.__setattr__(last, "duration", Fraction(1, 4))
    path = encode(tmp_path, made, SourceInfo((48, 36), Fraction(25)))
    gaps = [b - a for a, b in zip(moments, [*moments[1:], moments[-1] + Fraction(1, 4)], strict=True)]
    assert times(path) == [(a - moments[0], gap) for a, gap in zip(moments, gaps, strict=True)]


def test_browsers_can_play_it(tmp_path: Path) -> None:
    path = encode(tmp_path, items(5), SourceInfo((48, 36), NTSC))
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert context.color_range == ColorRange.MPEG
        assert context.colorspace == Colorspace.ITU709
        assert context.color_primaries == ColorPrimaries.BT709
        assert context.color_trc == ColorTrc.BT709
        assert "creation_time" not in file.metadata


def test_colours_come_out_as_they_went_in(tmp_path: Path) -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (240, 240, 240), (15, 15, 15), (220, 180, 40)]
    unlabelled = np.full((36, 48), 255, dtype=np.uint8)
    made = [labelled(i, unlabelled, time=i / NTSC) for i in range(len(colours))]
    for item, colour in zip(made, colours, strict=True):
        item.frame.pixels[:] = colour
    frames = decoded(encode(tmp_path, made, SourceInfo((48, 36), NTSC)))
    for frame, colour in zip(frames, colours, strict=True):
        shown = frame.to_ndarray(format="rgb24").reshape(-1, 3).astype(int)
        assert np.abs(shown - colour).max() <= 6


@pytest.mark.parametrize("size", [(33, 35), (1, 1), (50, 31)])
def test_odd_sizes_are_padded_with_their_last_pixels(tmp_path: Path, size: tuple[int, int]) -> None:
    made = items(2, size)
    for item in made:
        item.labels.labels[:] = 255
        item.frame.pixels[:] = 200
    width, height = size
    for frame in decoded(encode(tmp_path, made, SourceInfo(size, NTSC))):
        assert (frame.width, frame.height) == (width + width % 2, height + height % 2)
        assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - 200).max() <= 4


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio="pcm_s16le")
    info = SourceInfo((48, 36), Fraction(25), path=source)
    made = items(10, rate=Fraction(25))
    first = encode(tmp_path / "a", made, info, OverlayStyle())
    assert first.read_bytes() == encode(tmp_path / "b", made, info, OverlayStyle()).read_bytes()


def test_the_bytes_do_not_depend_on_what_was_in_memory_before(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from tests.video.formats.test_overlay import *\n"
        f"encode(Path({str(tmp_path)!r}), items(8, (320, 240)), SourceInfo((320, 240), NTSC), OverlayStyle())"
    )
    root = Path(__file__).parents[3]
    written = set()
    for filling in ("0", "1", "85"):  # glibc fills memory with it; elsewhere the variable means nothing
        environment = {
            **os.environ,
            "MALLOC_PERTURB_": filling,
            "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}",
        }
        subprocess.run([sys.executable, "-c", script], env=environment, check=True)
        written.add((tmp_path / "overlay.mp4").read_bytes())
    assert len(written) == 1


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mp4", pixel_shape=Fraction(4, 3))
    path = encode(tmp_path, items(3), SourceInfo((48, 36), Fraction(25), path=source))
    with av.open(str(path)) as file:
        assert file.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
    turned = encode(tmp_path / "turned", items(3, (36, 48)), SourceInfo((36, 48), Fraction(25), path=source))
    with av.open(str(turned)) as file:
        assert file.streams.video[0].sample_aspect_ratio == Fraction(3, 4)


def test_an_image_gives_a_picture_of_its_own_size(tmp_path: Path) -> None:
    item = items(1, (33, 35))[0]
    source = SourceInfo((33, 35), kind="image")
    writer = OverlayPicture(OutputPlan(tmp_path, classes(WORDS), source, NO_LEGEND))
    writer.add(item)
    writer.finish()
    with Image.open(tmp_path / "overlay.png") as picture:
        assert (picture.size, picture.mode) == ((33, 35), "RGB")
