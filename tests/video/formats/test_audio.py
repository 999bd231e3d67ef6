from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from openvss.video.formats.contract import SourceInfo
from tests.video.formats.samples import items, write_source
from tests.video.formats.test_overlay import encode, times

RATE = Fraction(25)


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in file.demux(stream)
            if packet.pts is not None and packet.time_base is not None
        ]


def overlay_of(source: Path, folder: Path, start: Fraction = Fraction(0), frames: int = 10) -> Path:
    made = items(frames, times=[start + i / RATE for i in range(frames)])
    return encode(folder, made, SourceInfo((48, 36), RATE, path=source))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("in.mp4", "aac"),
        ("in.ts", "aac"),
        ("in.mkv", "libmp3lame"),
        ("in.mkv", "libopus"),
        ("in.avi", "ac3"),
        ("in.mkv", "flac"),
    ],
)
def test_audio_that_mp4_can_hold_is_copied_unchanged(tmp_path: Path, name: str, codec: str) -> None:
    source = write_source(tmp_path / name, audio=codec)
    with av.open(str(source)) as file:
        start = file.streams.video[0].start_time or 0
        first = start * (file.streams.video[0].time_base or Fraction(1))
    overlay = overlay_of(source, tmp_path / "out", first)
    before, after = packets(source), packets(overlay)
    if name.endswith(".ts"):  # MPEG-TS frames carry headers that MP4 keeps elsewhere
        assert [data[7:] for _, data in before] == [data for _, data in after]
    else:
        assert [data for _, data in before] == [data for _, data in after]
    gap = before[0][0] - first
    assert abs((after[0][0] - times(overlay)[0][0]) - gap) <= Fraction(1, 1000)


@pytest.mark.parametrize(("codec", "rate"), [("pcm_s16le", 48_000), ("mp2", 44_100), ("pcm_s16le", 11_127)])
def test_other_audio_becomes_aac(tmp_path: Path, codec: str, rate: int) -> None:
    source = write_source(tmp_path / "in.mkv", audio=codec, audio_rate=rate)
    with av.open(str(overlay_of(source, tmp_path / "out"))) as file:
        stream = file.streams.audio[0]
        assert stream.codec_context.name == "aac"
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(stream)])
        assert abs(len(sound) / stream.codec_context.sample_rate - 20 * 1024 / rate) < 0.07
    assert np.abs(sound).max() > 0.1


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("in.avi", "libmp3lame", 11_025), ("in.mkv", "libmp3lame", 8000)]
)
def test_mp3_that_mp4_cannot_hold_becomes_aac(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    source = write_source(tmp_path / name, audio=codec, audio_rate=rate)
    with av.open(str(overlay_of(source, tmp_path / "out"))) as file:
        assert file.streams.audio[0].codec_context.name == "aac"


def test_more_channels_than_aac_has_become_stereo(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio="pcm_s16le", layout="6.1")
    with av.open(str(overlay_of(source, tmp_path / "out"))) as file:
        assert file.streams.audio[0].layout.name == "stereo"
        assert len(packets(tmp_path / "out" / "overlay.mp4")) > 5


def test_sound_is_found_whatever_the_name_and_the_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_source(tmp_path / "a.mp4", audio="aac")
    titled = tmp_path / "titled.mkv"
    with av.open(str(source)) as before, av.open(str(titled), "w") as after:
        after.metadata["title"] = "TITLE"
        streams = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        for packet in before.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    titled.write_bytes(titled.read_bytes().replace(b"TITLE", b"TITL\xe9"))
    source.rename("a:b.mp4")
    for place, name in enumerate(("a:b.mp4", "titled.mkv")):
        assert packets(overlay_of(Path(name), tmp_path / f"out{place}"))


@pytest.mark.parametrize(
    ("video_start", "audio_start"),
    [(Fraction(2), Fraction(2)), (Fraction(2), Fraction(5, 2)), (Fraction(12, 5), Fraction(2))],
)
@pytest.mark.parametrize("codec", ["flac", "pcm_s16le"])
def test_picture_and_sound_stay_together(
    tmp_path: Path, video_start: Fraction, audio_start: Fraction, codec: str
) -> None:
    source = write_source(tmp_path / "in.mkv", audio=codec, video_start=video_start, audio_start=audio_start)
    overlay = overlay_of(source, tmp_path / "out", video_start)
    begin = min(video_start, audio_start)
    assert times(overlay)[0][0] == video_start - begin
    with av.open(str(overlay)) as file:
        stream = file.streams.audio[0]
        frame = next(file.decode(stream))
        assert frame.pts is not None
        assert frame.time_base is not None
        # AAC begins with a frame of silence before the first sound, which players skip.
        assert abs(frame.pts * frame.time_base - (audio_start - begin)) <= Fraction(1024 + 48, 48_000)


def test_a_source_without_sound_gives_an_overlay_without(tmp_path: Path) -> None:
    overlay = overlay_of(write_source(tmp_path / "in.mp4"), tmp_path / "out")
    with av.open(str(overlay)) as file:
        assert not file.streams.audio


def test_sound_that_goes_on_after_the_picture_is_kept(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mp4", audio="aac", audio_frames=60)
    overlay = overlay_of(source, tmp_path / "out", frames=4)
    assert len(packets(overlay)) == len(packets(source))


def test_a_truncated_source_gives_the_sound_before_the_break(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in.mkv", audio="flac", frames=40, audio_frames=60)
    whole = packets(source)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    after = packets(overlay_of(source, tmp_path / "out"))
    assert 0 < len(after) < len(whole)
    assert [data for _, data in after] == [data for _, data in whole[: len(after)]]


def test_a_source_that_is_no_video_file_is_no_obstacle(tmp_path: Path) -> None:
    source = tmp_path / "frames.txt"
    source.write_text("nothing")
    assert len(times(overlay_of(source, tmp_path / "out"))) == 10
