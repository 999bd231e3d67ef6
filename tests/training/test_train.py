"""A recipe from start to end."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file

from openvss import load
from openvss.training import journal
from tests.cli.runner import Runner
from tests.training.runs import recipe, write


def test_learns_and_leaves_a_usable_run(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"set": f"folder:{videos}", "split": "val"}]
    changes = {"schedule": {"steps": 30}, "ema": 0.5, "validation": {"on": on, "every": 15}}
    file = write(tmp_path / "r.yaml", recipe(videos, **changes))
    assert run.ok("train", file, "--out", "run", "--cpu").strip() == "run"
    losses = [entry["loss"] for entry in journal.read(tmp_path / "run", "train")]
    assert len(losses) == 30
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])
    scored = journal.read(tmp_path / "run", "validation")
    assert [entry["step"] for entry in scored] == [15, 30]
    assert {"miou", "pacc", "mvc8"} <= scored[0].keys()
    assert (tmp_path / "run" / "validation" / "000015" / "best.png").is_file()
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["optimiser"]["betas"] == [
        0.9,
        0.999,
    ]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "finished"
    segmenter = load(str(tmp_path / "run"), "red plain disc, blue plain sky")
    assert "stem.weight" in segmenter.model.state_dict()


def test_stopping_and_resuming_gives_the_same_weights(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, ema=0.9))
    run.ok("train", file, "--out", "whole", "--cpu")
    run.ok("train", file, "--out", "twice", "--cpu")
    run.ok("train", file, "--out", "twice", "--cpu", "--resume")
    whole, twice = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "twice"))
    assert whole.keys() == twice.keys()
    assert all(torch.equal(whole[name], twice[name]) for name in whole)


def test_a_run_is_not_overwritten(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1}))
    run.ok("train", file, "--out", "run", "--cpu")
    assert "already holds a run" in run.sentence("train", file, "--out", "run", "--cpu")
    other = run.sentence("train", file, "--out", "run", "--cpu", "--resume", "--set", "seed=5")
    assert "has seed: 0 and not 5" in other
    run.ok("train", file, "--out", "run", "--cpu", "--overwrite", "--set", "seed=5")


def test_stages_start_from_the_best_before(run: Runner, videos: Path, tmp_path: Path) -> None:
    stages = [
        {"name": "first", "schedule": {"steps": 2}},
        {"name": "second", "model": {"freeze": ["stem"]}, "optimiser": {"lr": 1e-5}},
    ]
    file = write(tmp_path / "r.yaml", recipe(videos, stages=stages))
    run.ok("train", file, "--out", "run", "--cpu")
    first = load_file(tmp_path / "run" / "1-first" / "last.safetensors")
    second = load_file(tmp_path / "run" / "2-second" / "last.safetensors")
    assert torch.equal(first["stem.weight"], second["stem.weight"])
    assert not torch.equal(first["gate"], second["gate"])


def test_trains_on_stills(run: Runner, images: Path, videos: Path, tmp_path: Path) -> None:
    train = [
        {"set": f"folder:{images}", "split": "train", "weight": 2},
        {"set": f"folder:{videos}", "split": "train"},
    ]
    data = {"train": train, "batch": 2, "mix": "batches", "workers": 1}
    file = write(tmp_path / "r.yaml", recipe(videos, data=data, clip={"labels": "all"}))
    run.ok("train", file, "--out", "run", "--cpu")
