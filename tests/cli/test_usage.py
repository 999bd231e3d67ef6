"""Arguments that the command line itself cannot read, and training without its packages."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.runner import Runner


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["segment", "a.mp4", "dog", "sky"], 'put all words into one pair of quotes, with commas'),
        (["segment"], "Missing argument 'INPUT': see `openvss segment --help`."),
        (["segment", "a.mp4", "dog", "--size", "big"], "Invalid value for '--size'"),
        (["segment", "a.mp4", "dog", "--context", "future"], "'--context': 'future' is not one of"),
        (["segment", "a.mp4", "dog", "--frob"], "No such option: --frob"),
        (["trian"], "See `openvss --help`."),
        (["data", "make"], "Missing argument 'LAYOUT': see `openvss data make --help`."),
        (["evaluate", "--compare", "a", "b"], "is now `openvss compare RUN...`."),
        (["evaluate", "a", "--compare"], "is now `openvss compare RUN...`."),
        (["evaluate", "--submission", "s.zip"], "is now `openvss submit RUN --out FILE.zip`."),
        (["evaluate", "--comparison", "a"], "No such option: --comparison"),
        (["compare"], "Missing argument 'RUN...': see `openvss compare --help`."),
        (["train"], "Missing argument 'RECIPE.yaml': see `openvss train --help`."),
        (["train", "r.yaml", "--words", "dog"], "is now `openvss adapt MODEL --data ...`."),
        (["train", "r.yaml", "--every", "2"], "is now `openvss adapt MODEL --data ...`."),
        (["train", "r.yaml", "--weights", "a"], "is now `openvss adapt MODEL --data ...`."),
    ],
)  # fmt: skip
def test_one_sentence(run: Runner, arguments: list[str], expected: str) -> None:
    assert expected in run.sentence(*arguments)


@pytest.mark.parametrize("arguments", [(), ("data",), ("benchmark",)])
def test_without_arguments_comes_the_help(run: Runner, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert "Usage" in out + err
    assert "openvss:" not in err


def test_help_and_version_succeed(run: Runner) -> None:
    assert "Usage" in run.ok("segment", "--help")
    assert run.ok("--version").startswith("openvss ")


def test_training_without_its_packages(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr(
        "openvss.cli.train.find_spec", lambda name: None if name == "accelerate" else find(name)
    )
    assert "pip install 'openvss[train]'" in run.sentence("train", "r.yaml")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["models"], ["--version"], ["models", "--json"]])
def test_output_that_nobody_can_take(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "openvss", *arguments]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.startswith("openvss: What this command prints cannot be written (No space left")
    assert len(found.stderr.splitlines()) == 1


def test_any_error_of_a_file_is_a_sentence(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "clip.mp4")

    monkeypatch.setattr("openvss.video.sources.open_source", fail)
    code, _, err = run("segment", "clip.mp4", "dog")
    assert code == 1
    reason = os.strerror(errno.EIO)
    assert err == f"openvss: clip.mp4 cannot be used ({reason}): check the path and its permissions.\n"
