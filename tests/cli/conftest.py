"""Shared by the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(monkeypatch, capsys)
