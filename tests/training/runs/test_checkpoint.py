"""A run that dies goes on as if nothing had happened, to the last bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from openvss.errors import Stopped
from openvss.evaluation import video_scores
from openvss.training import stepper, validation
from openvss.training.runs import log as journal
from tests.training.processes import fork, kill_self, train_here, wait
from tests.training.small import recipe, write

STEPS = 8


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a recipe, and in `whole` its uninterrupted run."""
    folder = tmp_path_factory.mktemp("runs")
    settings = recipe(
        videos,
        schedule={"steps": STEPS, "warmup": 2},
        data={
            "train": [{"set": f"folder:{videos}", "split": "train", "classes": "seen"}],
            "batch": 2,
            "accumulate": 2,
        },
        ema=0.7,
        validation={"on": [{"set": f"folder:{videos}", "split": "test"}], "every": 4, "best": "miou"},
        saving={"every": 3, "log_every": 3},
        deterministic=True,
    )
    train_in_fork(write(folder / "r.yaml", settings), folder / "whole")
    return folder


def train_in_fork(file: Path, out: Path) -> None:
    assert wait(fork(lambda: train_here(file, out))) == 0


def after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which kills the process when it is called for the last time."""
    left = [calls]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            kill_self()
        return function(*arguments, **named)

    return dying


def die_in_step() -> None:
    stepper.Stepper._agree = after(6, stepper.Stepper._agree)  # type: ignore[method-assign]


def die_in_validation() -> None:
    validation.score_video = after(2, video_scores.score_video)  # type: ignore[attr-defined]


def die_while_saving() -> None:
    # Each save syncs the log, the state and, but for step 0, the weights. This one, after step 4, dies with
    # the state written but not yet named.
    os.fsync = after(7, os.fsync)


@pytest.mark.parametrize("death", [die_in_step, die_in_validation, die_while_saving])
def test_sigkill_changes_nothing(death: Callable[[], None], whole: Path, tmp_path: Path) -> None:
    file, out = whole / "r.yaml", tmp_path / "killed"

    def work() -> None:
        death()
        train_here(file, out)

    assert wait(fork(work)) == -signal.SIGKILL
    train_here(file, out, resume=True)
    same_runs(whole / "whole", out)


def test_sigterm_saves_and_stops(whole: Path, tmp_path: Path) -> None:
    file, out = whole / "r.yaml", tmp_path / "stopped"
    take = stepper.Stepper._forward_and_back
    calls: list[int] = []

    def counted(one: stepper.Stepper, batch: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:  # during the second step
            os.kill(os.getpid(), signal.SIGTERM)
        return take(one, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepper.Stepper, "_forward_and_back", counted)
        with pytest.raises(Stopped):
            train_here(file, out)
    assert len(calls) == 4
    assert [entry["step"] for entry in journal.read(out)] == []
    train_here(file, out, resume=True)
    same_runs(whole / "whole", out)


def same_runs(first: Path, second: Path) -> None:
    for name in ("state.safetensors", "best.safetensors", "last.safetensors"):
        one, other = load_file(first / name), load_file(second / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name
    logs = [[timeless(entry) for entry in journal.read(folder)] for folder in (first, second)]
    assert logs[0] == logs[1]


def timeless(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("seconds", "waiting")}


def test_sigterm_in_a_validation_stops_at_once(whole: Path, tmp_path: Path) -> None:
    file, out = whole / "r.yaml", tmp_path / "stopped"

    def stopping(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return video_scores.score_video(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "score_video", stopping)
        with pytest.raises(Stopped):
            train_here(file, out)
    assert journal.read(out, "validation") == []
    train_here(file, out, resume=True)
    same_runs(whole / "whole", out)
