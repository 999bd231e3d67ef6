"""The example that labels a video."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.video.clips import write_frames

EXAMPLE = Path(__file__).parents[2] / "examples" / "stream.py"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, EXAMPLE, *arguments], capture_output=True, text=True)


def test_a_video_and_words(tmp_path: Path) -> None:
    write_frames(tmp_path, ["0.png", "1.png"])
    done = run(tmp_path, "dog, grass", "--size", "64")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.split()[0] == "0.000"
    assert second.split()[0] == "0.067"
    assert "dog" in first
    assert "grass" in first


def test_arrays() -> None:
    done = run("--size", "64")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path / "none.mp4")
    assert done.returncode == 1
    assert done.stderr == f"stream.py: {tmp_path / 'none.mp4'} does not exist; check the path.\n"
