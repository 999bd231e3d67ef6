"""Training that starts from files as the authors of SED and SAM released them, at test size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from openvss.errors import InputError
from openvss.models.encoders.sam import Sam
from openvss.models.registry import PRESETS
from openvss.models.stseg.keys import DECODER
from openvss.models.stseg.presets import SEDOptions, STSegOptions
from openvss.training.adapt import find_start
from openvss.weights.checkpoint import load_state, read_metadata, save_model
from tests.cli.runner import Runner
from tests.models.stseg import test_keys as test_sed
from tests.training.test_stseg_recipes import FOLDER, overrides
from tests.weights.sam_files import metas_state

SMALL = SEDOptions(pair="clip-convnext-nano", templates="plain", square=None, width=32)
QUICK = [
    "schedule.steps=2", "targets.every=2", "targets.options.threshold=0", "targets.options.smallest=0",
    "targets.options.size=32", "targets.options.sam=nano", "targets.options.prior=sam", "data.workers=0",
]  # fmt: skip


@pytest.fixture
def released(tmp_path: Path) -> dict[str, Tensor]:
    """SED's file, written to `sed_model_base.pth` as detectron2 does it: the optimiser is in it, too."""
    theirs = {name: value.float() for name, value in test_sed.checkpoint(templates=1).items()}
    optimiser = {"state": {0: {"step": 80000, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 2e-4}]}
    torch.save(
        {"model": theirs, "optimizer": optimiser, "scheduler": {"last_epoch": 80000}, "iteration": 79999},
        tmp_path / "sed_model_base.pth",
    )
    return theirs


@pytest.fixture
def sam_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(metas_state(Sam("nano").sam.state_dict()), tmp_path / "sam_vit_b_01ec64.pth")
    return tmp_path / "sam_vit_b_01ec64.pth"


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def test_stage_2_starts_from_seds_file_and_sams(
    run: Runner, released: dict[str, Tensor], sam_file: Path, tmp_path: Path
) -> None:
    run.ok("data", "make", "ade150", "data/small-ade", "--images", "1")
    small = [change for change in overrides("small-stage2.set") if not change.startswith("model.options.sam")]
    changes = [
        *overrides("table2/no-dea.set"), *small, *QUICK, "validation=null", "optimiser.lr=1e-9",
        "model.init_from=sed_model_base.pth", f"targets.options.sam_weights={sam_file.name}",
    ]  # fmt: skip
    code, _, said = run("train", FOLDER / "stage2.yaml", *settings(*changes), "--out", "run", "--cpu")
    assert code == 0, said
    assert "0 of the model are not in it, 0 of it are not used, 0 have other shapes" in " ".join(said.split())
    after = load_state(tmp_path / "run" / "last.safetensors")
    torch.testing.assert_close(
        after["decoder.embed.weight"], released[f"{DECODER}conv1.weight"], atol=1e-6, rtol=0
    )
    report = json.loads((tmp_path / "run" / "targets" / "000" / "0" / "report.json").read_text())
    assert report["labelled_pixels"] > 0


def test_adapting_starts_from_seds_file(
    run: Runner,
    released: dict[str, Tensor],
    sam_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PRESETS, "sed-b", replace(PRESETS["sed-b"], options=SMALL))
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    changes = [
        *QUICK, f"targets.options.sam_weights={sam_file.name}", "view.crop=[32,32]", "view.base=[64,48]",
        "schedule.warmup=0", "data.batch=1", "optimiser.lr=1e-9",
    ]  # fmt: skip
    command = ["adapt", "sed-b", "--data", "photos", "--words", "sky, road", "--out", "out", "--cpu"]
    command += settings(*changes)
    run.ok(*command, "--weights", "sed_model_base.pth")
    file = tmp_path / "out" / "run" / "last.safetensors"
    assert read_metadata(file).preset == "sed-b"
    after = load_state(file)["decoder.embed.weight"]
    torch.testing.assert_close(after, released[f"{DECODER}conv1.weight"], atol=1e-6, rtol=0)
    assert "no trained weights of sed-b" in run.sentence(*command)


def test_weights_to_adapt_fit_wholly(
    released: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sed_model_base.pth"
    monkeypatch.setitem(PRESETS, "sed-b", replace(PRESETS["sed-b"], options=SMALL))
    monkeypatch.setitem(
        PRESETS, "stseg-b", replace(PRESETS["stseg-b"], options=STSegOptions(**vars(SMALL), sam="nano"))
    )
    assert find_start("sed-b", file).file == file
    with pytest.raises(InputError, match=r"not those of this model: missing sam\."):
        find_start("stseg-b", file)
    with pytest.raises(InputError, match="--weights needs a preset"):
        find_start(str(file), file)
    save_model({"a": torch.zeros(1)}, tmp_path / "ours.safetensors", "tiny", {})
    assert find_start("tiny", tmp_path / "ours.safetensors").preset == "tiny"
    with pytest.raises(InputError, match="holds weights of tiny, not of sed-b"):
        find_start("sed-b", tmp_path / "ours.safetensors")
