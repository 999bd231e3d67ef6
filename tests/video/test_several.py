"""Names of the folders for several inputs."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from openvss.video.several import several_inputs


def names(spec: str) -> list[str]:
    return [str(entry.name) for entry in several_inputs(spec) or ()]


def test_names_come_from_the_input_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/clip.mp4", "b/clip.MP4", "clip.mkv", "c.txt", ".hidden.mp4"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert names("in/*/*") == ["a/clip.mp4", "b/clip.MP4"]
    assert names("in/**/*") == ["a/clip.mp4", "b/clip.MP4", "clip.mkv"]
    assert names("in/a/*.mp4") == ["clip.mp4"]
    assert names(str(tmp_path / "in")) == ["clip.mkv"]
    for single in (
        "in/clip.mkv",
        "in/*.txt",
        "none.mp4",
        "0",
        "rtsp://host/*",
        "in/a/clip.mp4",
        "~nobody/x*",
    ):
        assert several_inputs(single) is None


def test_names_in_a_list_stay_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["x/../a.mp4", "../b.mp4", "/c/d.mp4", "./a.mp4", "rtsp://me:secret@host/one?key=1", "1"]
    Path("list").write_text("\n".join(lines))
    found = several_inputs("@list") or []
    outside = PurePath(tmp_path.parent / "b.mp4").relative_to("/")
    assert [entry.name for entry in found] == [
        PurePath("a.mp4"), outside, PurePath("c/d.mp4"), PurePath("rtsp-host-one"), PurePath("1"),
    ]  # fmt: skip
    assert [entry.spec for entry in found] == [lines[0], *lines[1:3], *lines[4:]]
