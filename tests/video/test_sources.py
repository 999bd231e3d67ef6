"""The entrance: what each kind of input becomes, and what cannot be used."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from openvss.errors import InputError, OpenVSSError
from openvss.video.sources import Source, open_source
from tests.video.clips import index_of, picture, write_clip, write_frames


def refused(spec: Any, *, fps: Fraction | None = None) -> str:
    """The sentence with which an input is refused."""
    with pytest.raises(InputError) as caught:
        list(open_source(spec, fps=fps))
    return str(caught.value)


def test_video_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", n=5, fps=Fraction(30000, 1001))
    source = open_source(path)
    assert isinstance(source, Source)
    assert (source.kind, source.name, source.path) == ("video", str(path), path)
    assert (source.size, source.rate, source.n_frames) == ((64, 48), Fraction(30000, 1001), 5)


def test_every_iteration_starts_again(tmp_path: Path) -> None:
    for spec in (
        write_clip(tmp_path / "a.mp4", n=4),
        write_frames(tmp_path / "frames", ["0.png", "1.png", "2.png", "3.png"]),
        [picture(i) for i in range(4)],
    ):
        source = open_source(spec)
        first, second = list(source), list(source)
        assert [index_of(f.pixels) for f in first] == [0, 1, 2, 3]
        assert [(f.index, f.time) for f in first] == [(f.index, f.time) for f in second]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))


def test_a_name_with_a_colon_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "a.mp4", n=2).rename(tmp_path / "take:2 50%d.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source("take:2 50%d.mp4"))) == 2


def test_fps_is_for_inputs_without_a_clock(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "a.mp4", n=2)
    frames = write_frames(tmp_path / "frames", ["0.png", "1.png"])
    assert "own clock" in refused(video, fps=Fraction(25))
    assert "one image" in refused(frames / "0.png", fps=Fraction(25))
    assert [f.time for f in open_source(frames, fps=Fraction(25))] == [0, Fraction(1, 25)]
    assert "positive" in refused(frames, fps=Fraction(0))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video\n" * 50)
    (tmp_path / "notes.txt").write_text("no video\n" * 50)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.bin").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "folder").mkdir()
    for name, complaint in {
        "missing.mp4": "does not exist",
        "text.mp4": "cannot be read as a video or an image",
        "notes.txt": "has no video",
        "noise.bin": "",
        "empty.mp4": "is an empty file",
        "folder": "holds no images",
        "*.png": "No image or video matches",
    }.items():
        sentence = refused(tmp_path / name)
        assert name in sentence
        assert complaint in sentence
    assert "input is empty" in refused(" ")


def test_sound_without_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert "has no video, only sound" in refused(path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "secret.mp4", n=1)

    def deny(self: Path, *args: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert refused(path) == f"{path} cannot be opened (Permission denied); check its permissions."


def test_ffmpeg_stays_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "a.mkv", n=20)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)
    capfd.readouterr()
    with suppress(OpenVSSError):
        list(open_source(path))
    refused(tmp_path / "missing.mp4")
    assert capfd.readouterr() == ("", "")
