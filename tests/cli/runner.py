"""Runs the command line inside a test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from openvss import cli


class Runner:
    """Runs commands in a folder of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["openvss", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def ok(self, *arguments: str | Path) -> str:
        code, out, err = self(*arguments)
        assert code == 0, err
        return out

    def sentence(self, *arguments: str | Path) -> str:
        """The single line that a command with a bad argument prints."""
        code, _, err = self(*arguments)
        assert code == 2, err
        lines = [line for line in err.splitlines() if line.startswith("openvss: ")]
        assert len(lines) == 1, err
        return lines[0]
