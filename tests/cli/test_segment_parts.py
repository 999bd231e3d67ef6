"""`openvss segment` on a part of an input."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import av
import pytest

import openvss
from tests.cli.runner import Runner
from tests.video.clips import write_clip, write_frames

WORDS = "person, road, sky"
SMALL = ("--size", "32", "--device", "cpu")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def times_of(path: Path, kind: str) -> list[float]:
    with av.open(path) as container:
        stream = next(s for s in container.streams if s.type == kind)
        assert stream.time_base is not None
        return [float(p.pts * stream.time_base) for p in container.demux(stream) if p.pts is not None]


def test_masks_are_numbered_from_0_and_statistics_have_the_times(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=60, options={"g": "10"})
    run.ok("segment", clip, WORDS, "--start", "0:02", "--end", "3.5", "--every", "5", "-o", "out", *SMALL)
    rows = list(csv.DictReader((tmp_path / "out" / "stats.csv").read_text().splitlines()))
    assert [Fraction(row["time_exact"]) for row in rows] == [Fraction(i, 15) for i in range(30, 53, 5)]
    masks = sorted(p.name for p in (tmp_path / "out" / "masks").iterdir())
    assert masks == [f"{i:06d}.png" for i in range(5)]
    part = json.loads((tmp_path / "out" / "run.json").read_text())["part"]
    assert part == {"start": "2", "end": "7/2", "every": 5, "max_frames": None}


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_the_overlay_has_the_sound_of_the_part(run: Runner, tmp_path: Path, suffix: str) -> None:
    clip = write_clip(tmp_path / f"clip.{suffix}", n=90, audio=True, options={"g": "10"})
    run.ok("segment", clip, WORDS, "--start", "2.5", "--end", "4", "-o", "out", "--format", "overlay", *SMALL)
    shown = times_of(tmp_path / "out" / "overlay.mp4", "video")
    assert len(shown) == 22
    assert shown[0] == 0
    heard = times_of(tmp_path / "out" / "overlay.mp4", "audio")
    assert -0.05 <= heard[0] < 0.05
    assert 1.4 < heard[-1] < 1.56


def test_an_interrupted_part_resumes_to_the_same_bytes(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=60, audio=True, options={"g": "10", "bf": "2"})
    options = ("--start", "1", "--every", "0.2s", "--max-frames", "9", "--format", "png,overlay,chart,sheet")
    run.ok("segment", clip, WORDS, *options, "-o", "whole", *SMALL)

    def stop(told: openvss.Progress) -> None:
        if told.done == 4:
            raise openvss.Stopped

    def call(every: str, resume: bool) -> openvss.Result:
        return openvss.segment(
            clip, WORDS, out="cut", start=1, every=every, max_frames=9, size=32, device="cpu", resume=resume,
            formats=["png", "overlay", "chart", "sheet"], on_progress=lambda p: None if resume else stop(p),
        )  # fmt: skip

    with pytest.raises(openvss.Stopped):
        call("0.2s", False)
    with pytest.raises(openvss.InputError, match=r"part\.every"):
        call("0.3s", True)
    assert call("0.2s", True).resumed == 4
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_folder_of_frames(run: Runner, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", [f"{i}.png" for i in range(20)])
    run.ok("segment", "frames", WORDS, "--fps", "10", "--start", "0.5", "--max-frames", "3", *SMALL)
    rows = list(csv.DictReader((tmp_path / "segmented" / "frames" / "stats.csv").read_text().splitlines()))
    assert [row["time_exact"] for row in rows] == ["1/2", "3/5", "7/10"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--start", "1:99"), "The start (--start) is a time such as 65, 1:05 or 1:00:05.5, not '1:99'."),
        (("--start", "2", "--end", "1"), "The end, 1 s, must be later than the start, 2 s"),
        (("--start", "1:00"), "clip.mp4 has no frame at or after 1:00 (--start): it lasts 2 s."),
        (("--start", "0.51", "--end", "0.52"), "no frame from 0.51 s to before 0.52 s (--start, --end)"),
        (("--every", "0"), "--every is a number of frames such as 10"),
        (("--max-frames", "0"), "(--max-frames) must be at least 1"),
    ],
)
def test_one_sentence(run: Runner, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    write_clip(tmp_path / "clip.mp4", n=30)
    assert said in run.sentence("segment", "clip.mp4", WORDS, *options, *SMALL)
    assert not (tmp_path / "segmented").exists()
