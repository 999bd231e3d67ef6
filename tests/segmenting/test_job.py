"""`openvss.segment`: what the command does, in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import openvss
from openvss.segmenting.job import Job
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.spent import Spent
from tests.cli.runner import Runner
from tests.models.two_frame import TwoFrame
from tests.video.clips import cut, picture, write_clip

WORDS = "person | pedestrian, road, sky"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_it_writes_what_the_command_writes(run: Runner, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=5, audio=True)
    run.ok("segment", clip, WORDS, "--size", "32", "--device", "cpu", "--out", "command")
    result = openvss.segment(clip, WORDS, out="call", size=32, device="cpu")
    assert result.out == Path("call")
    assert (result.frames, result.resumed, result.broken) == (5, 0, None)
    assert set(result.files) == {p.name for p in result.out.iterdir()}
    assert contents(tmp_path / "command") == contents(tmp_path / "call")
    assert openvss.segment(clip, WORDS, size=32, device="cpu").out == Path("segmented/clip")


def test_it_resumes_and_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=6)
    whole = openvss.segment(clip, WORDS, out=tmp_path / "whole", size=32, device="cpu")

    def stop(told: openvss.Progress) -> None:
        if told.done == 4:
            raise openvss.Stopped

    with pytest.raises(openvss.Stopped):
        openvss.segment(clip, WORDS, out=tmp_path / "cut", size=32, device="cpu", on_progress=stop)
    told: list[openvss.Progress] = []
    result = openvss.segment(
        clip, WORDS, out=tmp_path / "cut", size=32, device="cpu", resume=True, on_progress=told.append
    )
    assert result.resumed == 4
    assert [(p.stage, p.done, p.total, p.resumed) for p in told] == [("frames", i, 6, 4) for i in range(7)]
    assert contents(result.out) == contents(whole.out)


def test_new_words_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENVSS_CACHE", str(tmp_path / "cache"))
    told: list[openvss.Progress] = []
    video = [picture(0)]
    words = "capybara, quokka | setonix, dog"
    openvss.segment(video, words, out=tmp_path / "out", size=32, on_progress=told.append)
    assert [(p.done, p.total) for p in told if p.stage == "words"] == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    openvss.segment(video, words, out=tmp_path / "again", size=32, on_progress=told.append)
    assert {p.stage for p in told} == {"frames"}


def test_a_broken_video_is_an_error_with_a_finished_folder(tmp_path: Path) -> None:
    clip = cut(write_clip(tmp_path / "clip.mkv", n=40, size=(96, 64)), 0.6)
    with pytest.raises(openvss.BrokenVideoError, match="cut short"):
        openvss.segment(clip, WORDS, out=tmp_path / "out", size=32, device="cpu")
    assert (tmp_path / "out" / "run.json").exists()


def test_one_model_for_several_inputs(tmp_path: Path) -> None:
    job = Job(WORDS, settings=openvss.StreamSettings(size=32, device="cpu"))
    loaded = job.segmenter
    for name, first in (("a", 0), ("b", 7)):
        video = [picture(first + i) for i in range(3)]
        job.run(openvss.open_source(video), tmp_path / name)
        openvss.segment(video, WORDS, out=tmp_path / f"{name} alone", size=32, device="cpu")
        assert contents(tmp_path / name) == contents(tmp_path / f"{name} alone")
    assert job.segmenter is loaded


def test_what_cannot_be_used_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openvss.segmenting.loading.load", lambda *_, **__: pytest.fail("loaded"))
    video = [np.zeros((48, 64, 3), np.uint8)]
    with pytest.raises(openvss.InputError, match="no format 'gif'"):
        openvss.segment(video, WORDS, formats=["gif"])
    with pytest.raises(openvss.InputError, match="does not exist"):
        openvss.segment(tmp_path / "none.mp4", WORDS)
    with pytest.raises(openvss.InputError, match="given twice"):
        openvss.segment(video, "sky, sky")


def test_time_is_added_up_by_what_it_was_spent_on() -> None:
    spent = Spent()
    assert list(spent.waiting("reading", iter([1, 2]))) == [1, 2]
    with spent.on("work"):
        pass
    assert str(spent) == "0.0 s reading, 0.0 s work"


def test_a_live_source_without_end_does_not_cost_the_run_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = [picture(i) for i in range(2)]
    openvss.segment(video, WORDS, out=tmp_path / "out", size=32, device="cpu")
    before = contents(tmp_path / "out")
    job = Job(WORDS)
    job.segmenter = Segmenter(TwoFrame(), WORDS, context="whole", size=32, device="cpu")
    source = openvss.open_source(video)
    monkeypatch.setattr(source, "kind", "stream")
    with pytest.raises(openvss.InputError, match="use --context past"):
        job.run(source, tmp_path / "out", overwrite=True)
    assert contents(tmp_path / "out") == before
