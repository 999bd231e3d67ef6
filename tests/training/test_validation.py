"""What a run scores itself with, and that evaluations of it go on with that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openvss import load
from openvss.training.runs import log as journal
from tests.cli.runner import Runner
from tests.evaluation.sets import write_set
from tests.training.small import recipe, write


@pytest.fixture
def few_words(tmp_path: Path) -> Path:
    """Videos of four words."""
    return write_set(tmp_path / "set", (20, 12), size=(48, 64))


@pytest.fixture
def trained(run: Runner, few_words: Path, tmp_path: Path) -> Path:
    """A run that was scored at another size than the model's own, looking at whole videos."""
    validation = {"on": [{}], "every": 20, "size": 40, "context": "whole"}
    data = {"train": [{"set": f"folder:{few_words}"}], "batch": 2}
    changes = {"data": data, "schedule": {"steps": 20}, "ema": 0.5, "optimiser": {"lr": 1e-2}}
    file = write(tmp_path / "r.yaml", recipe(few_words, validation=validation, **changes))
    run.ok("train", file, "--out", "run", "--cpu")
    return tmp_path / "run"


def evaluated(run: Runner, model: Path, videos: Path, *more: str) -> dict[str, Any]:
    data = ("--data", f"folder:{videos}")
    run.ok("evaluate", *data, "--model", model, "--out", "out", "--device", "cpu", "--overwrite", *more)
    found: dict[str, Any] = json.loads(Path("out/metrics.json").read_text())
    return found


def test_an_evaluation_of_a_run_gives_the_number_of_its_validation(
    run: Runner, few_words: Path, trained: Path
) -> None:
    (scored,) = journal.read(trained, "validation")
    for model in (trained, trained / "last.safetensors"):
        found = evaluated(run, model, few_words)
        assert (found["model"]["size"], found["model"]["context"]) == (40, "whole")
        same = [name for name in scored if name not in ("kind", "step")]
        assert {"miou", "pacc", "mvc8", "flicker"} <= set(same)
        assert {name: found[name] for name in same} == {name: scored[name] for name in same}


def test_what_is_given_explicitly_wins(run: Runner, few_words: Path, trained: Path) -> None:
    (scored,) = journal.read(trained, "validation")
    for more, size, context in (
        (("--size", "64"), 64, "whole"),
        (("--context", "past"), 40, "past"),
    ):
        found = evaluated(run, trained, few_words, *more)
        assert (found["model"]["size"], found["model"]["context"]) == (size, context)
        assert found["miou"] != scored["miou"]


def test_segmenting_takes_the_size_and_stays_in_the_past(run: Runner, few_words: Path, trained: Path) -> None:
    segmenter = load(str(trained), "sky, road")
    assert (segmenter.size, segmenter.settings.context) == (40, "past")
    run.ok("segment", few_words / "data" / "v0" / "origin", "sky, road", "--model", trained, "--out", "seg")
    settings = json.loads(Path("seg/run.json").read_text())
    assert (settings["size"], settings["context"]) == (40, "past")


def test_a_run_that_was_not_scored_remembers_nothing(run: Runner, videos: Path, tmp_path: Path) -> None:
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "run", "--cpu")
    found = evaluated(run, tmp_path / "run", videos)
    assert (found["model"]["size"], found["model"]["context"]) == (64, "past")
    assert found["model"]["selected_by"] == "last, step 4 of 4"


def test_the_model_s_own_size_is_remembered(run: Runner, videos: Path, tmp_path: Path) -> None:
    validation = {"on": [{"split": "val", "videos": 1}], "every": 4}
    run.ok(
        "train", write(tmp_path / "r.yaml", recipe(videos, validation=validation)), "--out", "run", "--cpu"
    )
    assert 'size: "64"' in run.ok("models", "show", tmp_path / "run")


def test_a_set_is_that_which_is_trained_on_unless_given(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"name": "same", "split": "val"}, {"name": "other", "set": f"folder:{tmp_path / 'none'}"}]
    file = write(tmp_path / "r.yaml", recipe(videos, validation={"on": on}))
    assert f"{tmp_path / 'none'} of folder does not exist" in run.sentence(
        "train", file, "--cpu", "--dry-run"
    )
    run.ok("train", file, "--cpu", "--dry-run", "--set", f"validation.on.1.set=folder:{videos}")
