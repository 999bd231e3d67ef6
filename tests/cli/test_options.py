"""Widths and heights, as every command takes them."""

from __future__ import annotations

import os
import re

import pytest
import torch

from openvss.cli.options import width_and_height
from openvss.errors import InputError
from tests.cli.runner import Runner


def test_width_comes_first() -> None:
    assert width_and_height("853x480", "853x480") == (853, 480)
    assert width_and_height("32x33", "853x480", least=32) == (32, 33)


@pytest.mark.parametrize("text", ["480", "x480", "853x", "853x480x3", "-1x5", "1.5x2", "853 480", ""])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(
        InputError, match=re.escape(f"--size is width x height, such as 96x64, not {text!r}.")
    ):
        width_and_height(text, "96x64")


@pytest.mark.parametrize("text", ["31x32", "32x31"])
def test_both_are_at_least(text: str) -> None:
    with pytest.raises(InputError, match="width x height, both at least 32, such as 96x64"):
        width_and_height(text, "96x64", least=32)


@pytest.mark.parametrize("command", [("data", "make"), ("benchmark", "model")])
def test_commands_say_it_alike(
    run: Runner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "Width and height of a frame, in pixels." in run.ok(*command, "--help")


COMMANDS = (
    ("segment", "no.mp4", "dog"),
    ("evaluate", "--data", "folder:no"),
    ("benchmark", "model", "tiny", "--size", "no"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_threads(run: Runner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    told: list[int] = []
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # read by ONNX Runtime's engine
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    run(*command)
    assert told == []
    run(*command, "--threads", "3")
    assert told == [3]
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "--threads" in run.sentence(*command, "--threads", "0")
