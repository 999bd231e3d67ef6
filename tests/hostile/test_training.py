"""Training runs that are damaged on their way: continued to the same weights, or one sentence."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openvss.errors import Stopped
from openvss.models.registry import PRESETS
from openvss.training.recipe.reader import read_stages
from openvss.training.run import RunOptions, train
from openvss.training.runs.log import Watcher
from tests.hostile.campaign import DAMAGES, CommandLine, tally
from tests.hostile.test_runs import REPLACED, damage
from tests.training import drive
from tests.training.small import recipe, toy_videos, write

STATE = "state.safetensors"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.setitem(PRESETS, drive.PRESET, drive.PRESET_ENTRY)
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)


def _stop(done: int, total: int, entry: dict[str, Any] | None) -> None:
    if done == 3:
        raise Stopped


def test_damaged_training_runs(run: CommandLine, tmp_path: Path) -> None:
    counts = Counter[str]()
    file = write(tmp_path / "r.yaml", recipe(toy_videos(tmp_path / "videos")))
    assert run("train", file, "--out", "whole", "--cpu") == (0, "")
    whole = (tmp_path / "whole" / STATE).read_bytes()
    with pytest.raises(Stopped):
        train(read_stages(file), tmp_path / "stopped", RunOptions(cpu=True), Watcher(step=_stop))
    for kind in (*DAMAGES, *REPLACED):
        out = tmp_path / "runs" / kind
        shutil.copytree(tmp_path / "stopped", out)
        name = damage(out, kind, random.Random(kind), suffixes={".yaml", ".json", ".jsonl"})
        assert run("runs", "list", tmp_path / "runs") == (0, "")
        code, said = run("train", file, "--out", out, "--cpu", "--resume")
        counts["continued" if code == 0 else "refused"] += 1
        if code == 0:
            assert (out / STATE).read_bytes()[-1000:] == whole[-1000:], (kind, name)
        else:
            assert str(out) in said, (kind, name)
    tally(counts, continued=3)
    assert sum(counts.values()) == len(DAMAGES) + len(REPLACED)


@pytest.mark.parametrize("kind", ["cut", "graft", "lose", "empty", "unlike"])
def test_damaged_states(run: CommandLine, tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / "r.yaml", recipe(toy_videos(tmp_path / "videos"), schedule={"steps": 1}))
    assert run("train", file, "--out", "run", "--cpu")[0] == 0
    name = damage(tmp_path / "run", kind, random.Random(kind), suffixes={".safetensors"})
    code, said = run("train", file, "--out", "run", "--cpu", "--resume")
    assert code == 0 or name in said
    assert run("train", file, "--out", "run", "--cpu", "--overwrite")[0] == 0
