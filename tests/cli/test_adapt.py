"""`openvss adapt` from end to end, with a model of a few thousand parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from openvss.models.registry import build_model
from openvss.training.recipe.reader import read_stages
from openvss.training.runs import log as journal
from openvss.weights.checkpoint import load_state, read_metadata, save_model
from tests.cli.runner import Runner
from tests.training.small import toy_images

OPTIONS = {"pair": "clip-convnext-nano", "templates": "plain", "square": None, "width": 32}
QUICK = [
    "view.crop=[32,32]", "view.base=[64,48]", "schedule.steps=4", "schedule.warmup=0", "targets.every=2",
    "targets.options.size=32", "targets.options.threshold=0", "targets.options.smallest=0", "data.batch=1",
    "words.seen=sky", "optimiser.lr=1e-4",
]  # fmt: skip
SETTINGS = [part for change in QUICK for part in ("--set", change)]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = build_model("sed-b", OPTIONS)
    with torch.no_grad():  # heads start at "no"; this one believes something
        model.state_dict()["decoder.head.bias"].zero_()
    save_model(model, tmp_path / "sed.safetensors", "sed-b", OPTIONS)
    return tmp_path / "sed.safetensors"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


def test_a_checkpoint_adapts_itself(run: Runner, checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = "sky, road, tree"
    said = run.ok(
        "adapt", checkpoint, "--data", photos, "--words", words, "--out", out, "--cpu", *SETTINGS
    )  # fmt: skip
    assert said.splitlines()[-1] == str(out / "run")
    for number in ("000", "001"):
        made = out / "run" / "targets" / number / "0"
        assert len(list((made / "labels").glob("*.png"))) == 3
        report = json.loads((made / "report.json").read_text())
        assert report["pictures"] == 3
        assert report["labelled_pixels"] > 0
        assert (made / "before_after.png").is_file()
    after = load_state(out / "run" / "last.safetensors")
    before = load_state(checkpoint)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert read_metadata(out / "run" / "last.safetensors").preset == "sed-b"
    (stage,) = read_stages(out / "adapt.yaml")
    assert stage.recipe.schedule.steps == 1000  # what --set changes is for one run


def test_labels_of_others_are_scored_and_not_learnt(
    run: Runner, checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    labelled = toy_images(tmp_path / "labelled", images=2)
    command: list[str | Path] = ["adapt", checkpoint, "--data", photos, "--words", "sky, road", "--cpu"]
    command += SETTINGS
    run.ok(*command, "--out", tmp_path / "blind")
    run.ok(*command, "--out", tmp_path / "out", "--check", f"folder:{labelled}")
    scored = journal.read(tmp_path / "out" / "run", "validation")
    assert [entry["step"] for entry in scored] == [0, 4]
    assert all(0 <= entry["miou"] <= 1 for entry in scored)
    blind, out = (load_state(tmp_path / name / "run" / "last.safetensors") for name in ("blind", "out"))
    assert all(torch.equal(blind[name], out[name]) for name in blind)


def test_a_dry_run_says_how_fast_each_part_learns(
    run: Runner, checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    command: list[str | Path] = ["--data", photos, "--words", "sky, road", "--cpu", "--dry-run"]
    command += SETTINGS
    said = run.ok("adapt", checkpoint, *command, "--out", tmp_path / "sed")
    assert " at rate 1e-06 (0.01 of optimiser.lr), decay 0.0001: pair\n" in said
    assert " at rate 0.0001, decay 0.0001: decoder\n" in said
    said = run.ok("adapt", "tiny", *command, "--out", tmp_path / "tiny", "--set", "words.seen=null")
    assert " at rate 0.0001, decay 0.0001: pair\n" in said
    assert "of optimiser.lr" not in said


def test_what_is_missing_is_said(run: Runner, checkpoint: Path, photos: Path) -> None:
    assert "Missing argument 'MODEL'" in run.sentence("adapt")
    assert "Missing option '--data'" in run.sentence("adapt", checkpoint)
    assert "give --words" in run.sentence("adapt", checkpoint, "--data", photos)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--adapt", "tiny", "--data", "drive.mp4"),
        ("--data", "drive.mp4", "--adapt", "tiny"),
        ("recipe.yaml", "--adapt=tiny"),
    ],
)
def test_the_old_spelling_names_the_new(run: Runner, arguments: tuple[str, ...]) -> None:
    assert "is now `openvss adapt MODEL --data ...`" in run.sentence("train", *arguments)
