"""What long work shows: a bar, plain lines or JSON."""

from __future__ import annotations

import json

import pytest

from openvss.cli import progress as shown
from openvss.cli.job_progress import JobProgress
from openvss.segmenting.job import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_plain_lines_come_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress("clip", 1000, 0, as_json=False) as update:
        for done in range(400):
            clock[0] = done * 0.5
            update(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "clip: 20 of 1000 frames, 2.0 frames/s, 8:10 left"
    assert [line.split()[1] for line in lines] == ["20", "40", "60", "80", "100", "220", "340"]


def test_slow_and_resumed_work(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress("", None, 5, as_json=False, unit="clips") as update:
        for done in range(8):
            update(done)
            clock[0] += 12.5 if done >= 5 else 0
    assert capsys.readouterr().err.splitlines() == ["6 clips, 12.5 s/clip", "7 clips, 12.5 s/clip"]


def test_speeds() -> None:
    said = [shown.speed_text(speed, "frames") for speed in (24.04, 1, 0.99, 0.08)]
    assert said == ["24.0 frames/s", "1.0 frames/s", "1.0 s/frame", "12.5 s/frame"]


def test_new_words_are_shown_before_frames(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    begun: list[int] = []
    job = JobProgress(as_json=True, quiet=False)
    job.begin("clip", begun.append)
    for done in range(1, 21):
        clock[0] += 1.5
        job(Progress("words", done, 20))
    job(Progress("frames", 0, 2, 0))
    for done in (1, 2):
        clock[0] += 1.5
        job(Progress("frames", done, 2, 0))
    job.close()
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert begun == [0]
    assert events[0]["words"] == 2
    assert [event["frames"] for event in events if "frames" in event] == [1, 2]
    job = JobProgress(as_json=True, quiet=False)
    job(Progress("words", 1, 3))
    assert not capsys.readouterr().out


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with shown.progress("clip", 4, 0, as_json=False) as update:
        for done in range(1, 4):
            update(done)
    assert "3/3" in capsys.readouterr().err
