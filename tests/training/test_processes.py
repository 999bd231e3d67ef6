"""Several processes do what one does with more accumulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openvss.training import batches, journal
from openvss.training.batches import Batch
from tests.training.processes import train_here, train_together
from tests.training.runs import recipe, toy_images, write

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
    alone = {**settings, "data": {"train": train, "batch": 2, "accumulate": 2}}
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
