"""The row "literal" of table 2, both stages after each other, at test size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from openvss.models.stseg.stseg import STSeg
from openvss.models.trained import load_model
from openvss.training.runs import log as journal
from openvss.weights.checkpoint import read_metadata
from tests.cli.runner import Runner
from tests.training.test_stseg_recipes import FOLDER, overrides

QUICK = ["schedule.steps=2", "validation=null", "data.batch=1", "saving.log_every=1"]


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def test_both_stages(run: Runner, tmp_path: Path) -> None:
    run.ok("data", "make", "coco-stuff", "data/small-coco", "--images", "1")
    (tmp_path / "photos" / "images").mkdir(parents=True)
    shade = np.linspace(0, 255, 64, dtype=np.uint8)
    pixels = np.stack(np.broadcast_arrays(shade[:, None], shade[None], np.uint8(90)), axis=-1)
    Image.fromarray(pixels).save(tmp_path / "photos" / "images" / "a.png")
    (tmp_path / "photos" / "classes.txt").write_text("0 sky\n1 lamp\n")  # of two one is likelier than not
    literal = overrides("table2/literal.set")
    first = settings(*overrides("small-stage1.set"), *literal, *QUICK)
    run.ok("train", FOLDER / "stage1.yaml", *first, "--out", "first", "--cpu")
    quick = [
        *QUICK,
        "data.train.0={set: folder:photos, labels: made}",
        "model.init_from=first",
        "targets.options.threshold=0",
        "targets.every=2",
    ]
    second = [*overrides("small-stage2.set"), *literal, *overrides("table2/mask-only.set"), *quick]
    code, _, said = run("train", FOLDER / "stage2.yaml", *settings(*second), "--out", "second", "--cpu")
    assert code == 0, said
    assert "other options" not in said
    for stage in ("first", "second"):
        options = read_metadata(tmp_path / stage / "last.safetensors").options
        assert {key: options[key] for key in ("init", "heads", "rivals")} == {
            "init": "random", "heads": 1, "rivals": True,
        }  # fmt: skip
        for line in journal.read(tmp_path / stage, "train"):
            assert {"early0", "early1", "early2"} <= line.keys()
    model = load_model("second/last.safetensors")
    assert isinstance(model, STSeg)
    assert not model.independent_words
    assert (model.dea.cross.q.weight - torch.eye(model.pair.dim)).abs().max() > 0.1


def test_a_stage_that_forgets_them_says_so(run: Runner) -> None:
    run.ok("data", "make", "coco-stuff", "data/small-coco", "--images", "1")
    small = [*overrides("small-stage1.set"), *QUICK]
    literal = settings(*small, *overrides("table2/literal.set"))
    run.ok("train", FOLDER / "stage1.yaml", *literal, "--out", "first", "--cpu")
    other = settings(*small, "model.init_from=first", "model.options.heads=2")
    code, _, said = run("train", FOLDER / "stage1.yaml", *other, "--out", "second", "--cpu")
    assert code == 0
    told = " ".join(said.split())
    assert "heads 1 there and 2 here, init random there and identity here" in told
    assert "rivals True there and False here" in told
