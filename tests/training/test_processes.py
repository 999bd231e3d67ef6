"""Several processes do what one does with more accumulation."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.run import main as torchrun

from openvss.errors import InputError
from openvss.training import trainer as loop
from openvss.training.data import batches
from openvss.training.data.batches import Batch
from openvss.training.runs import log as journal
from tests.training.processes import fork, free_port, train_here, train_together, wait
from tests.training.small import recipe, toy_images, write

STEPS = 50


def test_two_processes_are_one_with_doubled_accumulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = toy_images(tmp_path / "data", images=4 * STEPS)
    train = [{"set": f"folder:{data}", "split": "train", "classes": "seen"}]
    settings = recipe(
        data,
        schedule={"steps": STEPS, "warmup": 5},
        optimiser={"lr": 3e-3, "clip_norm": 1.0},
        view={"crop": [32, 32], "base": [48, 32]},
        saving={"every": STEPS, "log_every": 1},
    )
    pair = {**settings, "data": {"train": train, "batch": 2}}
    alone = doubled(pair)
    seen = tmp_path / "seen"
    seen.mkdir()
    monkeypatch.setattr(batches.Batches, "__getitem__", noting(batches.Batches.__getitem__, seen))
    assert train_together(write(tmp_path / "pair.yaml", pair), tmp_path / "pair", 2) == [0, 0]
    together = names_in(seen)
    assert len(together) == len(set(together)) == 4 * STEPS
    for file in seen.iterdir():
        file.unlink()
    train_here(write(tmp_path / "alone.yaml", alone), tmp_path / "alone")
    assert sorted(names_in(seen)) == sorted(together)
    losses = [[e["loss"] for e in journal.read(tmp_path / name, "train")] for name in ("pair", "alone")]
    assert len(losses[0]) == STEPS
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def noting(take: Any, folder: Path) -> Any:
    """Write down the names of the examples of every batch that any process makes."""

    def noted(these: batches.Batches, number: int) -> Batch:
        batch: Batch = take(these, number)
        (folder / f"{number}.json").write_text(json.dumps(batch.names))
        return batch

    return noted


def names_in(folder: Path) -> list[str]:
    return [name for file in folder.iterdir() for name in json.loads(file.read_text())]


def test_two_processes_score_and_resume_alike(videos: Path, tmp_path: Path) -> None:
    on = [{"set": f"folder:{videos}", "split": "val"}]
    settings = recipe(videos, validation={"on": on, "every": 2}, saving={"every": 1, "log_every": 1})
    whole = write(tmp_path / "r.yaml", settings)
    assert train_together(whole, tmp_path / "whole", 2) == [0, 0]
    scored = [entry["miou"] for entry in journal.read(tmp_path / "whole", "validation")]
    train_here(write(tmp_path / "alone.yaml", doubled(settings)), tmp_path / "alone")
    alone = [entry["miou"] for entry in journal.read(tmp_path / "alone", "validation")]
    assert scored == pytest.approx(alone, abs=1e-4)

    def stop_after_two(trainer: loop.Trainer, *arguments: Any) -> None:
        log(trainer, *arguments)
        if trainer._progress.step == 2 and trainer._main:
            os.kill(os.getpid(), signal.SIGTERM)  # of one process alone: the other has to learn of it

    log = loop.Trainer._log
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Trainer, "_log", stop_after_two)
        assert train_together(whole, tmp_path / "stopped", 2) == [1, 1]
    assert [entry["step"] for entry in journal.read(tmp_path / "stopped", "train")] == [1, 2, 3]
    with pytest.raises(InputError, match="was started with 2 processes, not 1"):
        train_here(whole, tmp_path / "stopped", resume=True)
    assert train_together(whole, tmp_path / "stopped", 2, resume=True) == [0, 0]
    states = [load_file(tmp_path / name / "state.safetensors") for name in ("whole", "stopped")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def doubled(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "data": {**settings["data"], "accumulate": 2}}


def test_two_nodes(videos: Path, tmp_path: Path) -> None:
    """The command of docs/train.md, with both machines on loopback."""
    file, out = write(tmp_path / "r.yaml", recipe(videos)), tmp_path / "run"
    port = str(free_port())

    def node(rank: int) -> None:
        command = ["--nnodes", "2", "--nproc-per-node", "1", "--node-rank", str(rank)]
        command += ["--master-addr", "127.0.0.1", "--master-port", port]
        torchrun([*command, "-m", "tests.training.drive", "train", str(file), "--out", str(out), "--cpu"])

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).parents[2])
        nodes = [fork(lambda rank=rank: node(rank)) for rank in (0, 1)]  # type: ignore[misc]
        assert [wait(number) for number in nodes] == [0, 0]
    alone = tmp_path / "alone"
    train_here(write(tmp_path / "alone.yaml", doubled(recipe(videos))), alone)
    losses = [[e["loss"] for e in journal.read(folder, "train")] for folder in (out, alone)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
