"""Shared by the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from openvss.models.registry import PRESETS
from tests.cli.runner import Runner
from tests.models.closed import PRESET


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> str:
    """A preset without trained weights, whose words are fixed."""
    monkeypatch.setitem(PRESETS, "closed", PRESET)
    return "closed"
