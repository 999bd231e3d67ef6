"""`openvss info`, short flags and what shells complete."""

from __future__ import annotations

import json

import pytest

from openvss.cli import completion
from tests.cli.runner import Runner


def test_info(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    found = json.loads(run.ok("info", "--json"))
    assert set(found) == {"versions", "system", "devices", "threads", "caches", "bundled models"}
    assert found["versions"]["openvss"]
    assert "libavcodec" in found["system"]["ffmpeg"]
    assert "cpu" in found["devices"]
    assert found["threads"]["OMP_NUM_THREADS"] == "1"
    assert found["threads"]["OMP_WAIT_POLICY"] == "passive"
    assert found["bundled models"]["tiny"].startswith("15")
    text = run.ok("info")
    for title, entries in found.items():
        assert f"{title}\n" in text
        assert all(f"  {name}: " in text for name in entries)


@pytest.mark.parametrize("command", [(), ("segment",), ("info",), ("models", "show"), ("runs",)])
def test_h_is_help(run: Runner, command: tuple[str, ...]) -> None:
    assert "Usage" in run.ok(*command, "-h")


def test_names_are_completed() -> None:
    assert completion.models("ti") == ["tiny"]
    assert completion.formats("png,over") == ["png,overlay"]
    assert "png,png" not in completion.formats("png,")
    assert completion.words("pc459") == ["pc459", "pc459-raw"]
    assert completion.devices("c") == ["cpu", "cuda"]


def test_a_shell_gets_them(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_OPENVSS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "openvss segment clip.mp4 --model ti")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert run()[1].split() == ["tiny"]
