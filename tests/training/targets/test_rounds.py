"""Targets that a run makes for itself."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file

from openvss.plugs import Table
from openvss.training.data.batches import open_data
from openvss.training.data.training_set import context_file, label_file
from openvss.training.recipe.schema import Recipe
from openvss.training.setup import build
from openvss.training.targets import rounds
from openvss.training.targets.maker import Maker, TargetRequest
from tests.cli.runner import Runner
from tests.training.processes import fork, kill_self, train_here, wait
from tests.training.small import recipe, write


def guess(request: TargetRequest) -> None:
    """Labels that depend on the weights; an option kills the process once."""
    assert not request.model.training
    flag = Path(request.options["once"]) if "once" in request.options else None
    for done, clip in enumerate(request.dataset.clips):
        request.update(done)
        if flag is not None and done == 1 and not flag.exists() and "001" in request.folder.parent.name:
            flag.touch()
            kill_self()
        for t in range(len(clip.frames)):
            file = label_file(request.folder, clip, t)
            file.parent.mkdir(parents=True, exist_ok=True)
            bias = float(request.model.state_dict()["stem.bias"].abs().sum())
            ids = np.full((32, 48), int(1000 * bias) % len(request.vocabulary), np.uint8)
            ids[:4] = 255
            Image.fromarray(ids).save(file)


@pytest.fixture(autouse=True)
def maker(monkeypatch: pytest.MonkeyPatch) -> None:
    makers = Table("maker of targets", {**rounds.MAKERS, "guess": Maker(guess)})
    monkeypatch.setattr(rounds, "MAKERS", makers)


def self_training(videos: Path, **options: Any) -> dict[str, Any]:
    train = [{"set": f"folder:{videos}", "split": "test", "labels": "made", "classes": "unseen"}]
    made = {"maker": "guess", "every": 3, "options": options}
    return recipe(
        videos, data={"train": train, "batch": 2, "workers": 1}, targets=made, schedule={"steps": 7}
    )


def test_labels_are_made_anew_each_round(videos: Path, tmp_path: Path) -> None:
    train_here(write(tmp_path / "r.yaml", self_training(videos)), tmp_path / "run")
    made = sorted(path.name for path in (tmp_path / "run" / "targets").iterdir())
    assert made == ["000", "001", "002"]
    assert (tmp_path / "run" / "targets" / "002" / "0" / rounds.DONE).exists()


def test_a_killed_round_goes_on(videos: Path, tmp_path: Path) -> None:
    once = str(tmp_path / "once")
    file = write(tmp_path / "r.yaml", self_training(videos, once=once))
    Path(once).touch()
    train_here(file, tmp_path / "whole")
    Path(once).unlink()
    assert wait(fork(lambda: train_here(file, tmp_path / "killed"))) == -signal.SIGKILL
    train_here(file, tmp_path / "killed", resume=True)
    whole, killed = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_contexts_are_made_once(videos: Path, tmp_path: Path) -> None:
    settings = recipe(videos, clip={"context": "made"}, targets={"maker": "contexts"})
    train_here(write(tmp_path / "r.yaml", settings), tmp_path / "run")
    folder = rounds.round_folder(tmp_path / "run", 0, 0)
    assert load_file(folder / "contexts" / "train_000.safetensors")["mean"].shape == (1, 16)
    assert context_file.__name__ == "context_file"


@pytest.mark.parametrize(("name", "shares"), [("guess", [(0, 1)]), ("contexts", [(0, 2), (1, 2)])])
def test_who_makes_targets(name: str, shares: list[tuple[int, int]], videos: Path, tmp_path: Path) -> None:
    """All processes, if the maker knows how to share; the set is done when all of them are."""
    asked: list[tuple[int, int]] = []
    maker = replace(rounds.MAKERS[name], make=lambda request: asked.append(request.share))
    rounds.MAKERS.add(name, maker)
    settings = Recipe.model_validate(recipe(videos, clip={"context": "made"}, targets={"maker": name}))
    model, _ = build(settings)
    done = rounds.round_folder(tmp_path, 0, 0) / rounds.DONE
    for rank in (1, 0):
        accelerator = SimpleNamespace(
            process_index=rank,
            num_processes=2,
            is_main_process=rank == 0,
            wait_for_everyone=lambda: None,
        )
        data = open_data(settings, model)
        assert not done.exists()
        rounds.make(settings, 0, model, data, tmp_path, cast("Accelerator", accelerator), lambda *_: None)
    assert sorted(asked) == shares
    assert done.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clip": {"context": "made"}}, "targets is invalid"),
        ({"targets": {"maker": "contexts"}}, "targets is invalid"),
        ({"targets": {"maker": "magic"}, "clip": {"context": "made"}}, "no maker of targets 'magic'"),
    ],
)
def test_mistakes_are_named(
    run: Runner, videos: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in run.sentence("train", write(tmp_path / "r.yaml", recipe(videos, **changes)))
